"""Events as `get events`, `kubectl events` and `describe` print them; one event that several show is one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kubernaut.adapters.snapshot.ages import Age, Occurrence, before, parse_occurrence, stamp
from kubernaut.adapters.snapshot.commands import find_kind
from kubernaut.adapters.snapshot.outline import Entry
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting, Step, owner_reference, without_nothing
from kubernaut.adapters.snapshot.tables import Row
from kubernaut.domain.objects import JsonObject, parse_time
from kubernaut.resources import DEPLOYMENT, NODE, POD, REPLICA_SET, VOLUME_CLAIM

_CELLS_DESCRIBED = 5
_UNBOUND: Final = frozenset({"FailedBinding", "ProvisioningFailed"})
_SCALED: Final = re.compile(r"Scaled (up|down) replica set (\S{1,253})(?: from (\d{1,6}))? to (\d{1,6})")
_NO_CLASS: Final = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "([^"]{1,253})" not found')


@dataclass(frozen=True, slots=True)
class Told:
    """One line about an event. `namespace` is None where the context of the command decided it."""

    kind: str
    namespace: str | None
    name: str
    type: str
    reason: str
    message: str
    seen: Occurrence
    source: str = ""
    at: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells events of one namespace apart."""
        return self.kind, self.name, self.reason, self.message


def told_by_row(row: Row, namespace: str | None) -> Told | None:
    """What a line of an event table says."""
    kind, _, name = row["OBJECT"].partition("/")
    if not name:
        # Columns that somebody chose; most events are about pods.
        kind, name = row["KIND"] or POD.kind, row["NAME"] or kind
    seen = parse_occurrence(row["LAST SEEN"])
    if not name or not row["REASON"] or not (row["TYPE"] or "Normal").isalpha():
        return None
    count = row.number("COUNT")
    if count is not None:
        seen = Occurrence(seen.last, count, parse_occurrence(row["FIRST SEEN"]).last)
    resource = find_kind(kind)
    return Told(
        kind=resource.kind if resource else kind,
        namespace=row["NAMESPACE"] or namespace,
        name=name,
        type=row["TYPE"] or ("Warning" if row["REASON"].startswith(("Fail", "BackOff", "Unhealthy")) else "Normal"),
        reason=row["REASON"],
        message=row["MESSAGE"],
        seen=seen,
        source=row["SOURCE"],
        at=parse_time(row["LAST SEEN"]) or parse_time(row["CREATED"]),
    )


def told_by_description(events: Entry, kind: str, namespace: str | None, name: str) -> Iterator[Told]:
    """What the last part of a description says."""
    for cells in events.rows:
        if len(cells) == _CELLS_DESCRIBED and cells[0].isalpha() and cells[1]:
            seen = parse_occurrence(cells[2])
            yield Told(kind, namespace, name, cells[0], cells[1], cells[4], seen, cells[3])


def objects_of(told: Iterable[Told]) -> Iterator[Sighting]:
    """What events say of objects that may be in no table.

    A ReplicaSet whose pods are refused lacks at least one; a claim that finds no volume is pending.
    """
    for one in told:
        if (one.kind, one.reason) == (REPLICA_SET.kind, "FailedCreate"):
            begun = one.seen.first or one.seen.last
            ages: dict[tuple[Step, ...], Age] = {("metadata", "creationTimestamp"): begun} if begun else {}
            raw: JsonObject = {"spec": {"replicas": 1}}
            yield Sighting(REPLICA_SET, one.namespace, one.name, Fullness.NAMED, raw, ages)
        elif (one.kind, one.reason) == (DEPLOYMENT.kind, "ScalingReplicaSet"):
            yield from _scaled(one)
        elif one.kind == VOLUME_CLAIM.kind and one.reason in _UNBOUND:
            match = _NO_CLASS.search(one.message)
            asked: JsonObject = {"spec": {"storageClassName": match[1]}} if match else {}
            yield Sighting(
                VOLUME_CLAIM, one.namespace, one.name, Fullness.NAMED, {**asked, "status": {"phase": "Pending"}}
            )


def _scaled(one: Told) -> Iterator[Sighting]:
    """The ReplicaSet that a Deployment scaled; one that it scaled up from nothing was made, or came back, then."""
    match = _SCALED.search(one.message)
    if match is None:
        return
    owner = owner_reference(DEPLOYMENT.kind, DEPLOYMENT.api_version, one.name)
    raw: JsonObject = {"metadata": {"ownerReferences": owner}, "spec": {"replicas": int(match[4])}}
    begun = one.seen.first or one.seen.last
    is_new = match[1] == "up" and match[3] in (None, "0")
    ages: dict[tuple[Step, ...], Age] = {("metadata", "creationTimestamp"): begun} if begun and is_new else {}
    yield Sighting(REPLICA_SET, one.namespace, match[2], Fullness.NAMED, raw, ages)


def events_of(told: Iterable[Told], now: datetime, context: str) -> Iterator[JsonObject]:
    """The events as the API server prints them, each once."""
    found: dict[tuple[str, tuple[str, str, str, str]], list[Told]] = {}
    for one in told:
        place = context if one.namespace is None else one.namespace
        found.setdefault(("" if one.kind == NODE.kind else place, one.key), []).append(one)
    for (place, _), several in found.items():
        yield _event(several, place, now)


def _event(several: list[Told], place: str, now: datetime) -> JsonObject:
    first = several[0]
    last = _finest([one.seen.last for one in several])
    begun = _finest([one.seen.first for one in several]) or (
        last if max(one.seen.count for one in several) == 1 else None
    )
    resource = find_kind(first.kind)
    involved: JsonObject = {
        "apiVersion": resource.api_version if resource else "",
        "kind": first.kind,
        "namespace": place,
        "name": first.name,
    }
    event: JsonObject = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": place or "default"},
        "involvedObject": without_nothing(involved),
        "type": first.type,
        "reason": first.reason,
        "message": first.message,
        "count": max(one.seen.count for one in several),
        "lastTimestamp": stamp(told) if (told := _latest(several)) else _moment(last, now),
        "firstTimestamp": _moment(begun, now),
        "source": {"component": max(one.source for one in several)},
    }
    return without_nothing(event)


def _latest(several: list[Told]) -> datetime | None:
    return max((one.at for one in several if one.at), default=None)


def _finest(ages: list[Age | None]) -> Age | None:
    """The age that is told most exactly."""
    return min((age for age in ages if age), key=lambda age: (age.unit, age.seconds), default=None)


def _moment(age: Age | None, now: datetime) -> str:
    return before(now, age) if age else ""
