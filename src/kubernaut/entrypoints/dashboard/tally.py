"""What the figures over many incidents are counted from: the journal, read once and then on from where it was.

No request waits for it: `work` reads beside the pages, when one of them asked, and a page that came too early says so.
Bodies are cut down to what is counted, and equal ones are kept once, so that ten thousand incidents take megabytes.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

import msgspec

from kubernaut.domain.errors import StoreError
from kubernaut.domain.execution import Effect
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind, was_done
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.entrypoints.value.gathering import slim_comparison, slim_proposal
from kubernaut.ports import IncidentStore

_PAGE = 1000
_KEPT_LESSONS = 50
# So many more events are kept before the collector is told to leave them alone.
_MANY = 10_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One verified remedy: where, when, what came of it, and the number of the event that says so."""

    incident: IncidentId
    at: datetime
    effect: str
    seq: int


@dataclass(frozen=True, slots=True)
class Call:
    """One provider that was asked once; `failure` is empty where its reply was taken."""

    incident: IncidentId
    at: datetime
    seq: int
    provider: str
    tokens: int
    took_s: float
    usd: float
    failure: str


@dataclass
class Tally:
    """Everything that was counted so far."""

    incidents: IncidentStore
    attempts: dict[tuple[str, str], list[Attempt]] = field(default_factory=dict)
    undone: dict[str, list[Attempt]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    lessons: list[tuple[IncidentId, datetime]] = field(default_factory=list)
    events: dict[IncidentId, list[Event]] = field(default_factory=dict)
    seen: int = 0
    is_complete: bool = False
    _settled: int = 0
    _bodies: dict[bytes, JsonObject] = field(default_factory=dict)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """Wants it brought up to date, soon and elsewhere."""
        self._asked.set()

    async def work(self) -> None:
        """Brings it up to date whenever somebody asked, until it is cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self.catch_up()
            except StoreError:
                # The page that asks next says what the store says; the count goes on from where it was.
                await asyncio.sleep(1)

    async def catch_up(self) -> None:
        """Reads on to the end of the journal."""
        while events := await self.incidents.events(after=self.seen, limit=_PAGE, kinds=tuple(_KEPT)):
            for event in events:
                # Two readers at once may have the same page: an event counts once.
                if event.seq > self.seen:
                    self.seen = event.seq
                    self._count(event)
        self.is_complete = True
        if self.seen - self._settled >= _MANY:
            # What is kept here stays to the end of the process. Looked through by every full collection it would hold
            # up the page that happens to be drawn then, by some 200 ms for ten thousand incidents.
            gc.freeze()
            self._settled = self.seen

    def _count(self, event: Event) -> None:
        match event.kind:
            case EventKind.VERIFIED:
                self._verified(event)
            case EventKind.UNDONE if was_done(event):
                action = Tree(event.body).text("execution", "intent", "preview", "call", "action")
                self.undone.setdefault(action, []).append(Attempt(event.incident, event.at, "undone", event.seq))
            case EventKind.MODEL_ASKED:
                self.calls += _calls(event)
            case EventKind.LEARNED:
                self.lessons = [*self.lessons[1 - _KEPT_LESSONS :], (event.incident, event.at)]
            case _:
                pass
        slim = replace(event, about="", body=self._shared(_KEPT[event.kind](Tree(event.body))))
        self.events.setdefault(event.incident, []).append(slim)

    def _verified(self, event: Event) -> None:
        body = Tree(event.body)
        key = body.text("cause"), body.text("action")
        if all(key) and body.text("verification", "effect") != Effect.PREPARED:
            attempt = Attempt(event.incident, event.at, body.text("verification", "effect"), event.seq)
            self.attempts.setdefault(key, []).append(attempt)

    def _shared(self, body: JsonObject) -> JsonObject:
        return self._bodies.setdefault(msgspec.json.encode(body), body)


def _calls(event: Event) -> list[Call]:
    """The providers of one question; where the event lists none, the one that answered."""
    body = Tree(event.body)
    asked = body.trees("calls") or [body]
    failed = "" if body.flag("ok") else body.text("error") or "no usable reply"
    return [
        Call(
            event.incident,
            event.at,
            event.seq,
            one.text("provider") or "model",
            one.integer("tokens"),
            one.number("took_s"),
            one.number("usd"),
            one.text("failure") if one is not body else failed,
        )
        for one in asked
    ]


def _applied(body: Tree) -> JsonObject:
    return {"execution": {"applied": body.text("execution", "applied")}}


def _time(key: str) -> Callable[[Tree], JsonObject]:
    return lambda body: {key: body.at(key)} if body.has(key) else {}


def _verdict(body: Tree) -> JsonObject:
    named: JsonObject = {"cause": body.text("cause"), "action": body.text("action")}
    effect: JsonObject = {"verification": {"effect": body.text("verification", "effect")}}
    return {**named, **effect, **_time("healthy_at")(body)}


def _received(body: Tree) -> JsonObject:
    return {**_time("starts_at")(body), "labels": dict(body.mapping("labels"))}


def _diagnosed(body: Tree) -> JsonObject:
    best = body.trees("diagnosis", "hypotheses")[:1]
    return {"diagnosis": {"hypotheses": [{"cause": one.text("cause")} for one in best]}}


def _nothing(_body: Tree) -> JsonObject:
    return {}


# What `impact` reads of each event; the others are not read at all.
_KEPT: Mapping[EventKind, Callable[[Tree], JsonObject]] = MappingProxyType(
    {
        EventKind.RECEIVED: _received,
        EventKind.DIAGNOSED: _diagnosed,
        EventKind.PLANNED: lambda body: {"plan": {"guard": body.text("plan", "guard")}},
        EventKind.RESOLVED: _nothing,
        EventKind.MODEL_ASKED: lambda body: {"tokens": body.integer("tokens")},
        EventKind.APPROVED: _nothing,
        EventKind.REJECTED: _nothing,
        EventKind.APPLIED: _applied,
        EventKind.VERIFIED: _verdict,
        EventKind.UNDONE: _applied,
        EventKind.LEARNED: _nothing,
        EventKind.PROPOSED: slim_proposal,
        EventKind.COMPARED: slim_comparison,
        EventKind.CLOSED: lambda body: {"ending": body.text("ending")},
    }
)
