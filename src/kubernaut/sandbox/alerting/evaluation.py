"""From expressions to alerts: pending for as long as `for` says, firing, resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.sandbox.alerting.observations import Observations
from kubernaut.sandbox.alerting.rules import RULES, Labels, Rule
from kubernaut.sandbox.universe import Universe

_OFFSET = 14695981039346656037
_PRIME = 1099511628211


def fingerprint(labels: Mapping[str, str]) -> str:
    """The identity of an alert, computed as Prometheus does."""
    value = _OFFSET
    for name in sorted(labels):
        for byte in f"{name}\xff{labels[name]}\xff".encode("latin-1", errors="replace"):
            value = ((value ^ byte) * _PRIME) % 2**64
    return f"{value:016x}"


@dataclass(slots=True)
class Alert:
    """One alert instance; `fired` is None while it is pending, `resolved` while it holds."""

    labels: Labels
    annotations: Labels
    since: datetime
    fired: datetime | None = None
    resolved: datetime | None = None


class Evaluator:
    """Keeps all alerts between evaluations."""

    def __init__(
        self,
        universe: Universe,
        *,
        hold: timedelta | None = None,
        rules: Iterable[Rule] = RULES,
        external: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._seen = Observations(universe, universe.clock.now())
        self._hold = hold
        self._rules = tuple(rules)
        self._external = dict(external)
        self.alerts: dict[str, Alert] = {}

    def evaluate(self, now: datetime) -> None:
        """Evaluates all rules once."""
        self._seen.look(now)
        holding: set[str] = set()
        for rule in self._rules:
            wait = rule.wait if self._hold is None else min(rule.wait, self._hold)
            for found in rule.find(self._seen):
                labels = {"alertname": rule.name, "severity": rule.severity, **self._external, **found}
                mark = fingerprint(labels)
                holding.add(mark)
                self._hold_one(mark, labels, rule, wait, now)
        for mark, alert in list(self.alerts.items()):
            if mark in holding:
                continue
            if alert.fired is None:
                del self.alerts[mark]
            elif alert.resolved is None:
                alert.resolved = now

    def _hold_one(self, mark: str, labels: Labels, rule: Rule, wait: timedelta, now: datetime) -> None:
        alert = self.alerts.get(mark)
        if alert is None or alert.resolved is not None:
            alert = self.alerts[mark] = Alert(labels, _annotations(rule, labels), now)
        if alert.fired is None and now >= alert.since + wait:
            alert.fired = now

    def firing(self) -> list[Alert]:
        """The alerts that fire now."""
        return [alert for alert in self.alerts.values() if alert.fired and not alert.resolved]


def _annotations(rule: Rule, labels: Labels) -> Labels:
    subject = next(
        (labels[key] for key in ("deployment", "statefulset", "node", "pod", "service") if key in labels), ""
    )
    place = f"{labels['namespace']}/{subject}" if "namespace" in labels else subject
    runbook = "https://github.com/kubernetes-monitoring/kubernetes-mixin/tree/master/runbook.md"
    return {
        "summary": rule.summary,
        "description": f"{place}: {rule.summary}",
        "runbook_url": f"{runbook}#alert-name-{rule.name.lower()}",
    }
