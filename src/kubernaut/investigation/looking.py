"""How each tool of a model reads: through the same reader as the rules, into the same short, redacted facts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise

from kubernaut.domain.evidence import EvidenceSource
from kubernaut.domain.measures import Asked, Series
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact, event_time
from kubernaut.investigation.gathering import Budget, Gathering
from kubernaut.investigation.logs import LogLine, decisive_lines
from kubernaut.investigation.model_tools import (
    KINDS,
    MEASURES,
    GetObject,
    ListChanges,
    Look,
    QueryMetric,
    ReadEvents,
    ReadLogs,
)
from kubernaut.investigation.object_parts import parts_of
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.revisions import revisions_of, spell
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.templates import differences
from kubernaut.ports import Clock, ClusterReader, Metrics
from kubernaut.resources import CONTROLLER_REVISION, DAEMON_SET, DEPLOYMENT, EVENT, REPLICA_SET, STATEFUL_SET

_MOST_FACTS = 8
_MOST_EVENTS = 500
_LOG_LINES = 400
_LAST_LINES = 3
_MOST_DIFFERENCES = 4
# Where the events of objects without a namespace are kept.
_DEFAULT = "default"
_CHANGED = (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, CONTROLLER_REVISION)
_BEGINNING = datetime.fromisoformat("0001-01-01T00:00:00+00:00")

Found = tuple[tuple[Fact, ...], str]


@dataclass(slots=True)
class Reading:
    """What is read with, and what one look took of the budget."""

    reader: ClusterReader
    clock: Clock
    metrics: Metrics | None
    budget: Budget
    calls: int = 0
    size: int = 0


async def read_more(reading: Reading, look: Look) -> Found:
    """The facts, or why there are none. Raises a `ClusterError` or `MetricsUnavailable`. Every look has a namespace."""
    match look:
        case ReadEvents():
            return await _events(reading, look)
        case ReadLogs():
            return await _lines(reading, look)
        case GetObject():
            return await _object(reading, look)
        case ListChanges():
            return await _changes(reading, look)
        case QueryMetric():
            return await _measure(reading, look)


def _ref(look: GetObject | ReadEvents) -> ObjectRef:
    kind = KINDS[look.kind]
    return ObjectRef(kind.api_version, kind.kind, look.namespace if kind.namespaced else "", look.name)


async def _events(reading: Reading, look: ReadEvents) -> Found:
    ref = _ref(look)
    fields = f"involvedObject.kind={ref.kind},involvedObject.name={ref.name}"
    reading.calls += 1
    listing = await reading.reader.list(EVENT, ref.namespace or _DEFAULT, fields=fields, limit=_MOST_EVENTS)
    reading.calls += listing.pages - 1
    reading.size += listing.size
    newest = sorted(listing.items, key=lambda one: event_time(one) or _BEGINNING, reverse=True)
    found = tuple(facts.event(one) for one in newest[:_MOST_FACTS])
    if found or not listing.complete:
        return found, _rest(len(newest))
    return (_absent(ref, "events", f"there is no event about {ref}"),), ""


async def _lines(reading: Reading, look: ReadLogs) -> Found:
    pod = ObjectRef("v1", "Pod", look.namespace, look.pod)
    reading.calls += 1
    text = await reading.reader.log(pod, look.container, previous=look.previous, tail_lines=_LOG_LINES)
    if text is None:
        return (), "there is no such log"
    reading.size += len(text)
    lines = _chosen(text, pod, look)
    if not lines:
        return (), f"none of the last {len(text.splitlines())} lines" if look.contains else "the log is empty"
    return tuple(map(facts.log, lines)), ""


def _chosen(text: str, pod: ObjectRef, look: ReadLogs) -> list[LogLine]:
    numbered = [
        LogLine(pod, look.container, look.previous, number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]
    if look.contains:
        wanted = look.contains.casefold()
        return [line for line in numbered if wanted in line.text.casefold()][-_MOST_FACTS:]
    decisive = decisive_lines(text, pod, look.container, previous=look.previous)
    return list(dict.fromkeys([*decisive, *numbered[-_LAST_LINES:]]))


async def _object(reading: Reading, look: GetObject) -> Found:
    ref = _ref(look)
    reading.calls += 1
    item = await reading.reader.get(ref)
    if item is None:
        return (_absent(ref, "get", f"there is no {ref}"),), ""
    reading.size += len(json.dumps(item.raw))
    parts = list(parts_of(item, look.field))
    if not parts:
        return (), f"there is nothing at {look.field[:120]!r}" if look.field else "it is empty"
    found = (facts.field(item, path, f"{ref.kind} {ref.name} {path}: {text}") for path, text in parts)
    return tuple(islice(found, _MOST_FACTS)), _rest(len(parts))


async def _changes(reading: Reading, look: ListChanges) -> Found:
    scene = Scene(now=reading.clock.now())
    gathering = Gathering(reading.reader, reading.clock, reading.budget, scene)
    lists = frozenset((kind, look.namespace) for kind in _CHANGED)
    try:
        await gathering.read(lists, patience=reading.budget.timeout)
    finally:
        reading.calls += gathering.calls
        reading.size += gathering.size
    if not gathering.answered:
        raise gathering.nothing()
    owners = [item for kind in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET) for item in scene.all(kind.kind)]
    dated = sorted((one for owner in owners for one in _rollouts(scene, owner)), key=lambda one: one[0], reverse=True)
    gaps = "; ".join(f"{gap.what}: {gap.why}" for gap in scene.not_read)
    if not dated:
        return (), gaps or "no rollout is kept"
    return tuple(fact for _, fact in dated[:_MOST_FACTS]), gaps


def _rollouts(scene: Scene, owner: KubeObject) -> Iterator[tuple[datetime, Fact]]:
    kept = revisions_of(scene, owner)
    for newer, older in pairwise(kept):
        changed = [one for one in differences(older.template, newer.template) if not one.is_stamp]
        if not changed or newer.made_at is None:
            continue
        told = "; ".join(map(str, changed[:_MOST_DIFFERENCES]))
        when = spell(scene.now - newer.made_at)
        text = f"{owner.kind} {owner.name} revision {older.number} -> {newer.number}, {when} ago: {told}"
        yield newer.made_at, facts.change(owner, "spec.template", text, newer.made_at)


async def _measure(reading: Reading, look: QueryMetric) -> Found:
    if reading.metrics is None:
        return (), "no Prometheus is set"
    asked = MEASURES[look.metric].of(namespace=look.namespace, pod=look.pod, container=look.container)
    reading.calls += 1
    at = reading.clock.now()
    series = await reading.metrics.measure(asked, at=at)
    if not series:
        return (), "nothing was measured"
    place = ObjectRef("v1", "Namespace", "", look.namespace)
    found = (
        Fact(EvidenceSource.METRIC, place, asked.query, quoted(_told(asked, one), 300), at)
        for one in series[:_MOST_FACTS]
    )
    return tuple(found), _rest(len(series))


def _told(asked: Asked, series: Series) -> str:
    labels = ", ".join(f"{name} {value}" for name, value in series.labels.items())
    values: Sequence[float] = [value for _, value in series.points]
    text = f"{asked.name} ({labels}): {series.value:g}"
    if asked.reach > timedelta() and len(values) > 1:
        text += f", from {values[0]:g}, highest {max(values):g}"
    return text


def _absent(ref: ObjectRef, where: str, text: str) -> Fact:
    return Fact(EvidenceSource.ABSENCE, ref, where, quoted(text, 300))


def _rest(count: int) -> str:
    return f"the first {_MOST_FACTS} of {count}; ask for less" if count > _MOST_FACTS else ""
