"""The page of metrics, written from the catalogue: `python -m kubernaut.entrypoints.metrics_page`."""

from __future__ import annotations

import sys

from kubernaut.adapters.prometheus.catalogue import SECTIONS, Metric, Scope

_HEAD = """# Metrics

Generated from `src/kubernaut/adapters/prometheus/catalogue.py`:
`python -m kubernaut.entrypoints.metrics_page > docs/metrics.md`.

`GET /metrics` answers whoever may reach the port, in the text format of Prometheus. No label holds a name of your
cluster or of an incident, so the number of series does not grow with use. Besides these there are the usual
`process_…` figures: CPU, memory, open files.

*Of* says whose figure it is: a *process* counts what it did itself since it began (sum them over replicas); of the
*database* every replica tells the same (take `max`). Those marked *read* are asked when somebody asks for them, at most
every 2 s (value: every 10 min, audit: every 5 min); one that cannot be read is absent, never 0. Counters are for alarms
and trends: a process that dies takes the last seconds of its counts with it. What has to be right to the cent is
counted from the events ([value](value.md)).

Alarms are in [alerts.md](alerts.md). Two dashboards for Grafana, of the work and of the value, are in `deploy/grafana/`
(`work.json`, `value.json`: import them, or mount them for provisioning); they are described in
`deploy/grafana/dashboards.yaml`, and `python tools/grafana.py` writes them from that.
"""


def metrics_page() -> str:
    """`docs/metrics.md`."""
    return _HEAD + "".join(
        f"\n## {section}\n\n| metric | kind | of | labels | what it is |\n|---|---|---|---|---|\n"
        + "".join(_row(metric) for metric in metrics)
        for section, metrics in SECTIONS.items()
    )


def _row(metric: Metric) -> str:
    labels = "; ".join(f"`{name}`: {values}" for name, values in metric.labels.items()) or "–"
    of = "process" if metric.scope is Scope.PROCESS else "database"
    read = ", read" if metric.read_at_scrape else ""
    return f"| `{metric.exposed}` | {metric.kind}{read} | {of} | {labels} | {metric.meaning} |\n"


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
