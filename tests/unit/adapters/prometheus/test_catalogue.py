from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubernaut.adapters.prometheus.catalogue import METRICS, Kind, Metric
from kubernaut.adapters.prometheus.meter import Level, PrometheusMeter
from kubernaut.adapters.prometheus.steps import STAGES
from kubernaut.entrypoints.metrics_page import metrics_page

ROOT = Path(__file__).resolve().parents[4]
SOURCE = ROOT / "src" / "kubernaut"
CALLS = {"count": Kind.COUNTER, "level": Kind.GAUGE, "observe": Kind.HISTOGRAM}


def told(path: Path) -> Iterator[tuple[str, Kind, set[str]]]:
    """What a module tells the meter: name, kind and labels of each metric."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            owner = node.func.value
            named = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            first = node.args[0] if node.args else None
            if named.strip("_") == "meter" and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value, CALLS[node.func.attr], {word.arg or "" for word in node.keywords}


def everything_told() -> list[tuple[str, Kind, set[str]]]:
    return [each for path in sorted(SOURCE.rglob("*.py")) for each in told(path)]


def test_whatever_the_code_counts_is_in_the_catalogue_with_its_labels() -> None:
    wrong = [
        (name, kind, labels)
        for name, kind, labels in everything_told()
        if name not in METRICS or METRICS[name].kind is not kind or set(METRICS[name].labels) != labels
    ]
    assert wrong == []


def test_whatever_is_in_the_catalogue_is_counted_somewhere() -> None:
    counted = {name for name, _, _ in everything_told()}
    assert {name for name, metric in METRICS.items() if not metric.read_at_scrape} - counted == set()
    taken = (SOURCE / "entrypoints" / "stocktaking.py").read_text(encoding="utf-8")
    assert [name for name, metric in METRICS.items() if metric.read_at_scrape and f'"{name}"' not in taken] == []


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_name_follows_the_conventions_of_prometheus(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", metric.name)
    assert not metric.name.endswith("_total")
    assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds")
    # What would make the number of series grow with the cluster or with time.
    assert not {"namespace", "incident", "workload", "pod", "alertname", "path", "reason", "message"} & set(
        metric.labels
    )


def test_the_page_of_metrics_is_current() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == metrics_page()


def test_every_stage_of_the_pipeline_is_measured() -> None:
    places = [SOURCE / "pipeline.py", *(SOURCE / "healing").glob("*.py")]
    pipeline = "".join(place.read_text(encoding="utf-8") for place in places)
    steps = {name.partition("-")[0] for name in re.findall(r'run\.step\(\s*f?"([a-z-]+)', pipeline)}
    assert steps
    assert steps - set(STAGES) == set()


def test_what_was_not_read_is_absent_and_not_0() -> None:
    meter = PrometheusMeter()
    meter.take_stock([Level("suspended", 1.0), Level("runs_resumed", 2, (("of", "itself"),))])
    before = samples(meter)
    meter.take_stock([Level("runs_resumed", 3, (("of", "itself"),))])
    after = samples(meter)

    assert before["kubernaut_suspended"] == 1
    assert before["kubernaut_runs_resumed_total"] == 2
    assert "kubernaut_suspended" not in after
    assert after["kubernaut_runs_resumed_total"] == 3


def test_a_label_that_the_catalogue_does_not_name_is_refused() -> None:
    with pytest.raises(ValueError, match="label"):
        PrometheusMeter().count("decisions", namespace="shop")


def samples(meter: PrometheusMeter) -> dict[str, float]:
    families = text_string_to_metric_families(meter.exposition().decode())
    return {sample.name: sample.value for family in families for sample in family.samples}
