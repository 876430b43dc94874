"""Counters, levels and timings for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from kubernaut.adapters.prometheus.catalogue import METRICS, Kind, Metric

# A second series for every one, that says when it began: nobody asks.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types here

_Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Level:
    """One figure that is read when somebody asks, such as how many alerts wait."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(eq=False)
class _Stock(Collector):
    """What was read last; a figure that could not be read is not among it, so it is absent and not 0."""

    levels: Sequence[Level] = field(default_factory=tuple)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing, since what is there changes."""
        return ()

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """A family a name."""
        named: dict[str, list[Level]] = {}
        for level in self.levels:
            named.setdefault(level.name, []).append(level)
        for name, levels in named.items():
            metric = METRICS[name]
            kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
            family = kind(f"kubernaut_{name}", metric.meaning, labels=list(metric.labels))
            for level in levels:
                given = dict(level.labels)
                family.add_metric([given[label] for label in metric.labels], level.value)
            yield family


class PrometheusMeter:
    """The metrics of the catalogue, and no others; counters without labels stand at 0 from the start."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._stock = _Stock()
        self._registry.register(self._stock)
        ProcessCollector(registry=self._registry)
        own = [metric for metric in METRICS.values() if not metric.read_at_scrape]
        self._counters = {metric.name: self._counter(metric) for metric in own if metric.kind is Kind.COUNTER}
        self._levels = {metric.name: self._gauge(metric) for metric in own if metric.kind is Kind.GAUGE}
        self._timings = {metric.name: self._timing(metric) for metric in own if metric.kind is Kind.HISTOGRAM}
        # To find the child of given labels takes the library longer than to add to it.
        self._counts: dict[_Key, Counter] = {}
        self._times: dict[_Key, Histogram] = {}

    def count(self, name: str, by: float = 1, /, **labels: str) -> None:
        """Adds one, or as much as is given."""
        key = (name, tuple(labels.items()))
        counter = self._counts.get(key)
        if counter is None:
            parent = self._counters[name]
            counter = self._counts[key] = parent.labels(**labels) if labels else parent
        counter.inc(by)

    def level(self, name: str, value: float, /, **labels: str) -> None:
        """Sets what goes up and down."""
        parent = self._levels[name]
        (parent.labels(**labels) if labels else parent).set(value)

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration."""
        key = (name, tuple(labels.items()))
        timing = self._times.get(key)
        if timing is None:
            parent = self._timings[name]
            timing = self._times[key] = parent.labels(**labels) if labels else parent
        timing.observe(seconds)

    def take_stock(self, levels: Sequence[Level]) -> None:
        """Puts these in the place of all that was read before."""
        self._stock.levels = tuple(levels)

    def exposition(self) -> bytes:
        """All of it in the text format."""
        return generate_latest(self._registry)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(f"kubernaut_{metric.name}", metric.meaning, list(metric.labels), registry=self._registry)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(f"kubernaut_{metric.name}", metric.meaning, list(metric.labels), registry=self._registry)

    def _timing(self, metric: Metric) -> Histogram:
        return Histogram(
            f"kubernaut_{metric.name}",
            metric.meaning,
            list(metric.labels),
            registry=self._registry,
            buckets=metric.buckets,
        )
