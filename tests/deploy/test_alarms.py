from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from kubernaut.adapters.prometheus.catalogue import METRICS
from tests.deploy.queries import labels_in, names_in

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "deploy" / "prometheus"
RULES = [
    rule
    for group in yaml.safe_load((PLACE / "rules.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
TESTED = yaml.safe_load((PLACE / "rules_test.yaml").read_text(encoding="utf-8"))["tests"]


def promtool(*words: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    done = subprocess.run([program, *words], cwd=PLACE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", "rules.yaml")


def test_each_alarm_fires_where_it_should_and_keeps_still_before() -> None:
    promtool("test", "rules", "rules_test.yaml")


def test_each_alarm_is_tested_both_ways() -> None:
    tested = {one["name"]: [bool(asked["exp_samples"]) for asked in one["promql_expr_test"]] for one in TESTED}
    assert tested == {rule["alert"]: [False, True] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alarm_rests_on_metrics_that_exist_and_names_its_part_of_the_runbook(rule: dict[str, object]) -> None:
    query, annotations = str(rule["expr"]), rule["annotations"]
    known = {series: metric for metric in METRICS.values() for series in metric.series}
    used = names_in(query)

    assert used
    assert used - set(known) == set()
    allowed = {label for name in used for label in known[name].labels} | {"le"}
    assert labels_in(query) - allowed == set()
    assert isinstance(annotations, dict)
    page, _, place = annotations["runbook"].partition("#")
    heads = re.findall(r"^### (\w+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert place in [head.lower() for head in heads]
    assert place == str(rule["alert"]).lower()


def test_no_part_of_the_runbook_is_about_an_alarm_that_is_gone() -> None:
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_an_alarm_about_kubernaut_names_no_object_and_so_becomes_no_work_for_it() -> None:
    objects = {"namespace", "pod", "deployment", "statefulset", "daemonset", "service", "node", "container", "instance"}
    assert [rule["alert"] for rule in RULES if objects & (labels_in(rule["expr"]) | set(rule["labels"]))] == []
