"""Reads what an investigation asks for: one list a kind and namespace, side by side, bounded in number, size and time.

What could not be read, or was left out for the budget, is written down as `NotRead` and never looks like an empty
answer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from kubernaut.domain.errors import ClusterError, ClusterUnavailable, Forbidden, MetricsUnavailable
from kubernaut.domain.evidence import NotRead
from kubernaut.domain.measures import Asked, Series
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.investigation.containers import CONTAINER, INIT, SIDECAR, Container, containers_of, is_crashing
from kubernaut.investigation.logs import LogLine, are_silent, decisive_lines
from kubernaut.investigation.questions import Key, Wanted
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.scene import Scene
from kubernaut.ports import Clock, ClusterReader, Metrics, Resource
from kubernaut.resources import RESOURCES

Lists: TypeAlias = frozenset[tuple[Resource, str]]

# Calls of one investigation side by side; the connection's own bound holds for all of them together.
_AT_ONCE = 8
_LONGEST_VALUE = 1024
# From here on one list of all namespaces costs less than one of each.
_MOST_NAMESPACES = 4
# Pods of one workload run the same program; where three logs cannot be read a fourth tells no more.
_PODS_A_LOG = 3
# Lines. What is decisive stands before the routine that followed it.
_FURTHER_BACK = 100_000
_BY_KIND = {resource.kind: resource for resource in RESOURCES}


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is read at most; every page of a list is a call, and `size` counts the bytes of the answers.

    What is under way when the budget is used up is still read to its end: `objects` bounds each list.
    """

    timeout: timedelta = timedelta(seconds=20)
    calls: int = 40
    size: int = 128 * 2**20
    objects: int = 5000
    logs: int = 6
    log_lines: int = 200


BUDGET = Budget()


@dataclass(slots=True)
class Gathering:
    """The scene as it grows, and what is left of the budget."""

    reader: ClusterReader
    clock: Clock
    budget: Budget
    scene: Scene
    calls: int = 0
    size: int = 0
    answered: int = 0
    errors: list[ClusterError] = field(default_factory=list)
    places: set[tuple[str, str]] = field(default_factory=set)
    logs_of: set[tuple[ObjectRef, str]] = field(default_factory=set)
    has_looked_back: bool = False
    metrics: Metrics | None = None
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    async def read_wanted(self, wanted: Wanted, *, patience: timedelta) -> None:
        """Adds what is wanted to the scene, as far as the budget goes; none of it will be wanted again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.read(resources_of(wanted), wanted.logs, patience=patience))
            for asked in sorted(wanted.metrics):
                group.create_task(self._measure(asked, patience))
        # Also what was not read is tried now, or the next look would want it again without end.
        self.scene.add((), tried=wanted.lists)
        self.scene.add_logs({}, tried=wanted.logs)

    async def read(self, lists: Lists, logs: frozenset[Key] = frozenset(), *, patience: timedelta) -> None:
        """Adds these lists and logs to the scene, as far as the budget goes."""
        chosen = self._failing(logs)
        pending = {_name(kind, place): (kind.kind, place) for kind, place in sorted(lists, key=str)}
        pending_logs = {_log_name(alike[0]): _log_key(alike[0]) for alike in chosen}
        try:
            async with asyncio.timeout(patience.total_seconds()), asyncio.TaskGroup() as group:
                for kind, place in sorted(lists, key=str):
                    group.create_task(self._list(kind, place, pending))
                for alike in chosen:
                    group.create_task(self._log(alike, pending_logs))
        except TimeoutError:
            why = f"no answer within {patience.total_seconds():g} s"
            missed = [NotRead(what, why) for what in (*pending, *pending_logs)]
            self.scene.add((), tried=pending.values(), not_read=missed)
        # After the reading: ages are counted against what the cluster said last.
        self.scene.now = self.clock.now()

    def refuse(self, wanted: Wanted, why: str) -> None:
        """Writes down that something was wanted and not even tried."""
        lists = resources_of(wanted)
        missed = [NotRead(_name(kind, place), why) for kind, place in sorted(lists, key=str)]
        missed += [NotRead(f"log of {namespace}/pod/{pod} {name}", why) for namespace, pod, name in sorted(wanted.logs)]
        missed += [NotRead(_metric_name(asked), why) for asked in sorted(wanted.metrics)]
        self.scene.add((), tried=wanted.lists, not_read=missed)
        self.scene.add_logs({}, tried=wanted.logs)
        self.scene.add_measured(dict.fromkeys(wanted.metrics, ()))

    def nothing(self) -> ClusterError:
        """Why there is nothing in the scene at all."""
        # An outage before a refusal: it explains both, and passes by itself.
        unavailable = [error for error in self.errors if not isinstance(error, Forbidden)]
        if unavailable or self.errors:
            return (unavailable or self.errors)[0]
        return ClusterUnavailable(f"the API server gave no answer within {self.budget.timeout.total_seconds():g} s")

    @property
    def left(self) -> Budget:
        """What remains of the budget now."""
        budget, took = self.budget, timedelta(seconds=asyncio.get_running_loop().time() - self.began)
        return replace(
            budget,
            timeout=max(timedelta(), budget.timeout - took),
            calls=max(0, budget.calls - self.calls),
            size=max(0, budget.size - self.size),
        )

    def _spend(self) -> str:
        """Takes one call out of the budget; why not, where it is used up."""
        if self.calls >= self.budget.calls:
            return f"left out: {self.budget.calls} calls were made already"
        if self.size >= self.budget.size:
            return f"left out: {self.budget.size // 2**20} MiB were read already"
        self.calls += 1
        return ""

    async def _list(self, kind: Resource, place: str, pending: dict[str, tuple[str, str]]) -> None:
        what, key = _name(kind, place), (kind.kind, place)
        try:
            async with self.gate:
                left_out = self._spend()
                listing = None if left_out else await self.reader.list(kind, place, limit=self.budget.objects)
        except ClusterError as error:
            self.errors.append(error)
            listing, left_out = None, _reason(error)
        pending.pop(what, None)
        if listing is None:
            self.scene.add((), tried=[key], not_read=[NotRead(what, left_out)])
            return
        self.answered += 1
        self.size += listing.size
        # The first page was counted when the call was taken out of the budget.
        self.calls += listing.pages - 1
        # What a list of one namespace has brought already is not taken in again with that of all.
        new = (item for item in listing.items if place or (kind.kind, item.namespace) not in self.places)
        items = [_trimmed(item, kind) for item in new]
        self.places.add(key)
        if listing.complete:
            self.scene.add(items, whole=[key])
            return
        why = f"only the first {len(listing.items)} were read, there are more"
        gone = ((kind.kind, *named) for named in listing.gone)
        self.scene.add(items, tried=[key], not_read=[NotRead(what, why)], gone=gone)

    async def _log(self, alike: Sequence[Container], pending: dict[str, Key]) -> None:
        """The log of the first of these, or of the next where that one cannot be read: they run the same program."""
        what, why = _log_name(alike[0]), ""
        for entry in alike[:_PODS_A_LOG]:
            not_read = await self._log_of(entry)
            if not not_read:
                why = ""
                break
            why = why or not_read
        pending.pop(what, None)
        if why:
            self.scene.add_logs({}, not_read=[NotRead(what, why)])

    async def _log_of(self, entry: Container) -> str:
        """Adds what is decisive in it to the scene; why it could not be read, empty where it was."""
        # Once it runs again, the reason of the crash stands in the log of the run before.
        previous = entry.restarts > 0 and not entry.status.has("state", "terminated")
        # A container that restarts meanwhile has its last words in the other of the two logs.
        for which in (previous, not previous):
            try:
                text, why_not = await self._tail(entry, previous=which, lines=self.budget.log_lines)
                if why_not:
                    return why_not
                if text is not None:
                    found = decisive_lines(text, entry.pod.ref, entry.name, previous=which)
                    if are_silent(found) and len(text.splitlines()) >= self.budget.log_lines:
                        found = await self._looked_back(entry, found, previous=which)
                    self.scene.add_logs({_log_key(entry): found})
                    return ""
            except ClusterError as error:
                return _reason(error)
        return "there is none"

    async def _looked_back(
        self, entry: Container, found: tuple[LogLine, ...], *, previous: bool
    ) -> tuple[LogLine, ...]:
        """What is decisive further back, where the end of a long log is routine; once an incident, since it is much."""
        if self.has_looked_back:
            return found
        self.has_looked_back = True
        text, _ = await self._tail(entry, previous=previous, lines=_FURTHER_BACK)
        if text is None:
            return found
        # Half a second for 100,000 lines, in which other incidents are not to wait.
        earlier = await asyncio.to_thread(decisive_lines, text, entry.pod.ref, entry.name, previous=previous)
        return found if are_silent(earlier) else earlier

    async def _tail(self, entry: Container, *, previous: bool, lines: int) -> tuple[str | None, str]:
        """The end of a log, None where there is none; and why it was not asked for."""
        async with self.gate:
            why_not = self._spend()
            if why_not:
                return None, why_not
            text = await self.reader.log(entry.pod.ref, entry.name, previous=previous, tail_lines=lines)
        self.size += len(text or "")
        return text, ""

    async def _measure(self, asked: Asked, patience: timedelta) -> None:
        """Asks Prometheus; it has a gate and errors of its own, and never makes a diagnosis fail."""
        why = self._spend() or ("" if self.metrics else "no Prometheus is set")
        found: list[Series] = []
        if self.metrics and not why:
            try:
                async with asyncio.timeout(patience.total_seconds()):
                    found = await self.metrics.measure(asked, at=self.clock.now())
            except TimeoutError:
                why = f"no answer within {patience.total_seconds():g} s"
            except MetricsUnavailable as error:
                why = quoted(str(error))
        missed = [NotRead(_metric_name(asked), why)] if why else []
        self.scene.add_measured({asked: found}, not_read=missed)

    def _failing(self, logs: frozenset[Key]) -> list[Sequence[Container]]:
        """The containers of which one log each is read: of those asked for, the failing ones by workload and name."""
        found: list[Sequence[Container]] = []
        left_out: list[NotRead] = []
        for alike in failing_containers(self.scene, logs) if logs else ():
            entry = alike[0]
            told = (self.scene.top_of(entry.pod).ref, entry.name)
            if told in self.logs_of:
                continue
            if len(self.logs_of) >= self.budget.logs:
                left_out.append(NotRead(_log_name(entry), f"left out: {self.budget.logs} logs were read already"))
                continue
            self.logs_of.add(told)
            found.append(alike)
        self.scene.add_logs({}, not_read=left_out)
        return found


def resources_of(wanted: Wanted) -> Lists:
    """The lists to read for what is wanted: one of all namespaces in place of many."""
    places: dict[str, set[str]] = defaultdict(set)
    for kind, place in wanted.lists:
        if kind in _BY_KIND:
            places[kind].add(place)
    return frozenset(
        (_BY_KIND[kind], place)
        for kind, found in places.items()
        for place in (found if len(found) <= _MOST_NAMESPACES and "" not in found else {""})
    )


def failing_containers(scene: Scene, among: Iterable[Key]) -> list[Sequence[Container]]:
    """The containers whose log may say why, by workload: crashed ones, then those that run and are not ready."""
    crashed: dict[tuple[ObjectRef, str], list[Container]] = defaultdict(list)
    waiting: dict[tuple[ObjectRef, str], list[Container]] = defaultdict(list)
    wanted, well = set(among), scene.questions.though_well
    names = {key[:2] for key in wanted}
    pods = [pod for pod in scene.all("Pod") if (pod.namespace, pod.name) in names]
    for pod in sorted(pods, key=lambda item: str(item.created_at), reverse=True):
        for entry in containers_of(pod):
            if entry.role not in (CONTAINER, INIT, SIDECAR) or _log_key(entry) not in wanted:
                continue
            key = (scene.top_of(pod).ref, entry.name)
            if _left_words(entry, scene.now):
                crashed[key].append(entry)
            elif entry.is_running and entry.role != INIT and (not entry.is_ready or _log_key(entry) in well):
                waiting[key].append(entry)
    return [*crashed.values(), *(entries for key, entries in waiting.items() if key not in crashed)]


def _left_words(entry: Container, now: datetime) -> bool:
    """Whether it crashes and has ended, also where only the state in a table of pods is left of that."""
    return is_crashing(entry, now) and (entry.ended is not None or entry.waiting == "CrashLoopBackOff")


def _reason(error: ClusterError) -> str:
    return quoted(str(error)) or error.code


def _name(kind: Resource, place: str) -> str:
    return f"{kind.plural} in {place}" if place else kind.plural


def _log_name(entry: Container) -> str:
    return f"log of {entry.pod.ref} {entry.name}"


def _metric_name(asked: Asked) -> str:
    return f"metric {asked.name}"


def _log_key(entry: Container) -> Key:
    return (entry.pod.namespace, entry.pod.name, entry.name)


def _trimmed(item: KubeObject, kind: Resource) -> KubeObject:
    """The object with its kind, which items of a list lack, and without long values of ConfigMaps."""
    holds_values = kind.kind in {"ConfigMap", "Secret"}
    if item.kind and not holds_values:
        return item
    raw: JsonObject = dict(item.raw)
    raw["apiVersion"] = raw.get("apiVersion") or kind.api_version
    raw["kind"] = raw.get("kind") or kind.kind
    if holds_values:
        for part in ("data", "binaryData"):
            values = raw.get(part)
            if isinstance(values, dict):
                raw[part] = {key: _short(value, kind) for key, value in values.items()}
    return KubeObject(raw)


def _short(value: Json, kind: Resource) -> Json:
    kept = kind.kind == "ConfigMap" and isinstance(value, str) and len(value) <= _LONGEST_VALUE
    return value if kept else ""
