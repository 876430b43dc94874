"""Writes the dashboards of Grafana from deploy/grafana/dashboards.yaml: `python tools/grafana.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

PLACE = Path(__file__).resolve().parents[1] / "deploy" / "grafana"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH = 24
_BOTTOM = {"displayMode": "list", "placement": "bottom"}
_OPTIONS: dict[str, dict[str, object]] = {
    "timeseries": {"legend": _BOTTOM, "tooltip": {"mode": "multi"}},
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"},
    "state-timeline": {"showValue": "auto", "legend": _BOTTOM},
}
# Losses are losses: the axis of money may go below 0.
_SIGNED = {"currencyUSD", "none"}


def dashboards() -> dict[str, str]:
    """The text of each file, by its name."""
    described = yaml.safe_load((PLACE / "dashboards.yaml").read_text(encoding="utf-8"))
    return {one["file"]: json.dumps(_dashboard(one), indent=1, ensure_ascii=False) + "\n" for one in described}


def _dashboard(one: dict[str, Any]) -> dict[str, object]:
    panels: list[dict[str, object]] = []
    top = 0
    for row in one["rows"]:
        place = {"h": 1, "w": _WIDTH, "x": 0, "y": top}
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": row["title"], "collapsed": False, "gridPos": place}
        )
        top, left, height = top + 1, 0, 0
        for panel in row["panels"]:
            width, height = panel.get("width", 8), 4 if panel.get("kind") == "stat" else 8
            if left + width > _WIDTH:
                top, left = top + height, 0
            place = {"h": height, "w": width, "x": left, "y": top}
            panels.append(_drawn(panel, len(panels) + 1, place))
            left += width
        top += height
    variable = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    return {
        "uid": one["uid"],
        "title": one["title"],
        "description": "Written by tools/grafana.py; what each metric is: docs/metrics.md.",
        "tags": ["kubernaut"],
        "schemaVersion": 38,
        "editable": True,
        "refresh": "30s",
        "time": {"from": one["since"], "to": "now"},
        "timezone": "utc",
        "templating": {"list": [variable]},
        "panels": panels,
    }


def _drawn(panel: dict[str, Any], number: int, place: dict[str, int]) -> dict[str, object]:
    kind = panel.get("kind", "timeseries")
    return {
        "id": number,
        "type": kind,
        "title": panel["title"],
        "description": panel["about"],
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            {"refId": letter, "datasource": _SOURCE, "expr": asked["expr"], "legendFormat": asked["legend"]}
            for letter, asked in zip("ABCDEF", panel["queries"], strict=False)
        ],
        "fieldConfig": {"defaults": _field(panel, kind), "overrides": []},
        "options": _OPTIONS[kind],
    }


def _field(panel: dict[str, Any], kind: str) -> dict[str, object]:
    unit = panel.get("unit", "short")
    steps = [{"value": value, "color": colour} for value, colour in panel.get("steps", [[None, "green"]])]
    drawn: dict[str, object] = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if kind == "timeseries":
        stacking = {"mode": "normal" if panel.get("stacked") else "none"}
        drawn["custom"] = {"lineWidth": 1, "fillOpacity": 10, "stacking": stacking}
        if unit not in _SIGNED:
            drawn["min"] = 0
    if "words" in panel:
        words = {value: {"text": text, "index": index} for index, (value, text) in enumerate(panel["words"].items())}
        drawn["mappings"] = [{"type": "value", "options": words}]
    return drawn


def main() -> None:
    """Writes them."""
    for name, text in dashboards().items():
        (PLACE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
