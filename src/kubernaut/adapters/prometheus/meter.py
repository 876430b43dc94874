"""Counters and timings for Prometheus."""

from __future__ import annotations

from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

# What each is, for whoever reads /metrics. A name that is missing here is explained by itself.
_MEANINGS = {
    "signals_accepted": "Alerts and events that were committed to the inbox",
    "intake_refused": "Requests with alerts that were answered with an error",
    "intake_seconds": "From a request's head to its acknowledgement, commit included",
}
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


class PrometheusMeter:
    """Makes each metric, named `kubernaut_…`, when it is first used; a name keeps the labels it began with."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._timings: dict[str, Histogram] = {}
        self._counts: dict[_Key, Counter] = {}
        self._times: dict[_Key, Histogram] = {}

    def count(self, name: str, **labels: str) -> None:
        """Adds one."""
        key = (name, tuple(labels.items()))
        counter = self._counts.get(key)
        if counter is None:
            if name not in self._counters:
                self._counters[name] = Counter(
                    f"kubernaut_{name}", _meaning(name), sorted(labels), registry=self._registry
                )
            parent = self._counters[name]
            counter = self._counts[key] = parent.labels(**labels) if labels else parent
        counter.inc()

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration."""
        key = (name, tuple(labels.items()))
        timing = self._times.get(key)
        if timing is None:
            if name not in self._timings:
                self._timings[name] = Histogram(
                    f"kubernaut_{name}", _meaning(name), sorted(labels), registry=self._registry, buckets=_BUCKETS
                )
            parent = self._timings[name]
            timing = self._times[key] = parent.labels(**labels) if labels else parent
        timing.observe(seconds)

    def exposition(self) -> bytes:
        """All of it in the text format."""
        return generate_latest(self._registry)


def _meaning(name: str) -> str:
    return _MEANINGS.get(name, name.replace("_", " ").capitalize())
