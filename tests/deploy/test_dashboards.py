from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Literal

import msgspec
import pytest
import yaml

from kubernaut.adapters.prometheus.catalogue import METRICS
from tests.deploy.queries import labels_in, names_in
from tools.grafana import PLACE, dashboards

FILES = sorted(PLACE.glob("*.json"))
# What Prometheus adds to every series, and the library to its histograms.
ADDED = {"le", "instance"}


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a dashboard as Grafana's schema 38 has it, with the fields that we use."""


class Source(Strict):
    type: Literal["prometheus"]
    uid: Literal["${datasource}"]


class Place(Strict):
    h: int
    w: int
    x: int
    y: int


class Target(Strict):
    refId: str  # noqa: N815  # Grafana's name
    datasource: Source
    expr: str
    legendFormat: str  # noqa: N815


class Step(Strict):
    value: float | None
    color: Literal["green", "orange", "red"]


class Thresholds(Strict):
    mode: Literal["absolute"]
    steps: list[Step]


class Field(Strict):
    unit: Literal["short", "none", "s", "cps", "reqps", "percentunit", "bytes", "currencyUSD"]
    thresholds: Thresholds
    custom: dict[str, object] = {}
    min: float | None = None
    mappings: list[dict[str, object]] = []


class FieldConfig(Strict):
    defaults: Field
    overrides: list[object]


class Panel(Strict):
    id: int
    type: Literal["row", "timeseries", "stat", "state-timeline"]
    title: str
    gridPos: Place  # noqa: N815
    description: str = ""
    collapsed: bool = False
    datasource: Source | None = None
    targets: list[Target] = []
    fieldConfig: FieldConfig | None = None  # noqa: N815
    options: dict[str, object] = {}


class Dashboard(Strict):
    uid: str
    title: str
    description: str
    tags: list[str]
    schemaVersion: Literal[38]  # noqa: N815
    editable: bool
    refresh: str
    time: dict[str, str]
    timezone: str
    templating: dict[str, object]
    panels: list[Panel]


def read(path: Path) -> Dashboard:
    return msgspec.json.decode(path.read_bytes(), type=Dashboard)


def queries(path: Path) -> list[str]:
    return [target.expr for panel in read(path).panels for target in panel.targets]


def test_the_files_are_what_the_description_says() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FILES} == dashboards()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_dashboard_is_of_the_shape_that_grafana_takes_and_no_panel_covers_another(path: Path) -> None:
    panels = read(path).panels
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel.gridPos.x, panel.gridPos.x + panel.gridPos.w)
        for y in range(panel.gridPos.y, panel.gridPos.y + panel.gridPos.h)
    ]

    assert len({panel.id for panel in panels}) == len(panels)
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
    assert [panel.title for panel in panels if (panel.type == "row") is bool(panel.targets)] == []
    assert len(json.loads(path.read_bytes())["uid"]) <= 40


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_query_asks_for_metrics_and_labels_that_exist(path: Path) -> None:
    known = {series: metric for metric in METRICS.values() for series in metric.series}
    for query in queries(path):
        used = names_in(query)
        assert used - set(known) == set()
        assert labels_in(query) - {label for name in used for label in known[name].labels} - ADDED == set()


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    asked = [query.replace("$__rate_interval", "5m") for path in FILES for query in queries(path)]
    rules = [{"record": f"asked:{number}", "expr": query} for number, query in enumerate(asked)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}), encoding="utf-8")

    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(asked)} rules found" in done.stdout


def test_every_metric_is_on_a_dashboard_or_in_an_alarm_but_those_for_the_curious() -> None:
    rules = (PLACE.parent / "prometheus" / "rules.yaml").read_text(encoding="utf-8")
    shown = names_in(rules) | {name for path in FILES for query in queries(path) for name in names_in(query)}
    unseen = [metric.name for metric in METRICS.values() if not shown & set(metric.series)]
    assert sorted(unseen) == ["audit_checked_events", "signals_taken"]
