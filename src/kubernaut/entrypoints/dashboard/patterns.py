"""Finished incidents found again by likeness: of words that somebody typed, or of another incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.learning import Recalled
from kubernaut.domain.objects import Tree
from kubernaut.entrypoints.lookup import incident_named
from kubernaut.ports import Embedder, IncidentStore, PatternStore

_FOUND = 20
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Memory:
    """Where patterns are, and how text becomes a vector."""

    patterns: PatternStore
    embedder: Embedder


@dataclass(frozen=True, slots=True)
class Found:
    """One pattern, without its vector."""

    incident: IncidentId
    likeness: float
    cause: str
    action: str
    ending: str
    seconds: float
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Patterns:
    """The page: what was asked for, and what is like it, most alike first. `odd` says why nothing could be asked."""

    typed: str
    like: str
    found: tuple[Found, ...] = ()
    empty: bool = False
    odd: str = ""


async def read_patterns(memory: Memory | None, incidents: IncidentStore, *, typed: str, like: str) -> Patterns:
    """What is like the words, or like the incident whose id starts so (which wins)."""
    typed = " ".join(typed[:_LONGEST].split())
    if memory is None:
        return Patterns(typed, like, empty=True, odd="this service keeps no patterns")
    if await memory.patterns.count(embedder=memory.embedder.name) == 0:
        return Patterns(typed, like, empty=True)
    text, known = typed, ""
    if like:
        incident = await incident_named(incidents, like)
        known = incident.id
        learned = await incidents.events(incident.id, kinds=(EventKind.LEARNED,))
        text = Tree(learned[-1].body).text("text") if learned else ""
        if not text:
            return Patterns(typed, known, odd=f"{incident.id} left no pattern: it was not diagnosed to its end")
    if not text:
        return Patterns(typed, like)
    (vector,) = await memory.embedder.embed([text])
    nearest = await memory.patterns.nearest(vector, embedder=memory.embedder.name, limit=_FOUND + 1)
    found = [_found(one) for one in nearest if one.pattern.id != known]
    return Patterns(typed, known, tuple(found[:_FOUND]))


def _found(recalled: Recalled) -> Found:
    pattern = recalled.pattern
    return Found(
        pattern.id,
        recalled.likeness,
        pattern.cause,
        pattern.action,
        pattern.ending.value,
        pattern.seconds,
        pattern.at,
        pattern.text,
    )
