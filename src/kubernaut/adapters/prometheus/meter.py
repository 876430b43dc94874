"""Counters, levels and timings for Prometheus."""

from __future__ import annotations

from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# What each is, for whoever reads /metrics. A name that is missing here is explained by itself.
_MEANINGS = {
    "signals_accepted": "Alerts and events that were committed to the inbox",
    "intake_refused": "Requests with alerts that were answered with an error",
    "intake_seconds": "From a request's head to its acknowledgement, commit included",
    "model_questions": "Incidents about which a model was to be asked, by what came of it",
    "model_requests": "Requests that went to a model provider, repeated ones included",
    "model_failures": "Times a model provider gave no usable reply, by class",
    "model_seconds": "From asking a model provider to its usable reply or its failure",
    "model_switch_seconds": "From the failure of a model provider to the first request to the next one",
    "model_failovers": "Times the next model provider was asked because this one had failed",
    "model_lookups": "What models looked up in the cluster, by tool and by what came of it",
    "model_tokens": "Tokens of model providers, prompts and replies",
    "model_usd": "What model providers cost, by the prices in the settings",
    "model_circuit": "Circuit breaker of a model provider: 0 closed, 1 half-open, 2 open",
    "model_answers_kept": "Questions that a kept answer or an equal question in flight answered",
    "model_replies_suspicious": "Replies that followed a text found in the cluster and were thrown away",
}
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


class PrometheusMeter:
    """Makes each metric, named `kubernaut_…`, when it is first used; a name keeps the labels it began with."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._levels: dict[str, Gauge] = {}
        self._timings: dict[str, Histogram] = {}
        self._counts: dict[_Key, Counter] = {}
        self._times: dict[_Key, Histogram] = {}

    def count(self, name: str, by: float = 1, /, **labels: str) -> None:
        """Adds one, or as much as is given."""
        key = (name, tuple(labels.items()))
        counter = self._counts.get(key)
        if counter is None:
            if name not in self._counters:
                self._counters[name] = Counter(
                    f"kubernaut_{name}", _meaning(name), sorted(labels), registry=self._registry
                )
            parent = self._counters[name]
            counter = self._counts[key] = parent.labels(**labels) if labels else parent
        counter.inc(by)

    def level(self, name: str, value: float, /, **labels: str) -> None:
        """Sets what goes up and down."""
        if name not in self._levels:
            self._levels[name] = Gauge(f"kubernaut_{name}", _meaning(name), sorted(labels), registry=self._registry)
        parent = self._levels[name]
        (parent.labels(**labels) if labels else parent).set(value)

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
