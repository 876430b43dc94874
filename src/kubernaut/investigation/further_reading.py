"""More evidence for a model that asks for it, read within the scope and the remaining budget of its incident.

A model is no user of the cluster: it sees the namespaces in which the incident takes place and the cluster-wide kinds
that the rules may read, and nothing else, whatever it asks for. What it finds can be cited and is written down; it is
no finding of a rule and makes nobody surer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import ClusterError, MetricsUnavailable
from kubernaut.domain.evidence import Evidence, EvidenceId
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.gathering import Budget
from kubernaut.investigation.looking import Reading, read_more
from kubernaut.investigation.model_tools import KINDS, GetObject, Look, ReadEvents, look_of, offered
from kubernaut.investigation.quoting import quoted
from kubernaut.ports import Clock, ClusterReader, Looked, Metrics, Tool

_MOST_LOOKS = 8
_LONGEST_ARGUMENTS = 600


@dataclass(frozen=True, slots=True)
class Scope:
    """The namespaces that may be looked into; `home` is meant where none is named."""

    home: str
    namespaces: frozenset[str]

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Scope:
        """Where the incident takes place: its object, and those in which the rules found something about it."""
        objects = [
            diagnosis.target,
            *(one.target for one in diagnosis.hypotheses),
            *(fact.object for fact in diagnosis.evidence),
        ]
        places = dict.fromkeys(one.namespace for one in objects if one.namespace)
        return cls(diagnosis.target.namespace or next(iter(places), ""), frozenset(places))

    def refusal(self, look: Look) -> str:
        """Why it may not be looked there, empty where it may."""
        if isinstance(look, GetObject | ReadEvents) and not KINDS[look.kind].namespaced:
            return ""
        place = look.namespace or self.home
        if place in self.namespaces:
            return ""
        known = ", ".join(sorted(self.namespaces)) or "none"
        return f"namespace {place[:63]!r} is no part of this incident; you may look into {known}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One look as it is written down."""

    tool: str
    arguments: str
    facts: tuple[Evidence, ...]
    note: str
    refused: bool
    is_known: bool

    @property
    def outcome(self) -> str:
        """`refused`, `found` or `nothing`."""
        return "refused" if self.refused else "found" if self.facts else "nothing"


@dataclass(slots=True)
class FurtherReading:
    """What a question's models look up; `left` is what the rules left of the incident's budget."""

    reader: ClusterReader
    clock: Clock
    metrics: Metrics | None
    diagnosis: Diagnosis
    left: Budget
    done: list[Recorded] = field(default_factory=list)
    _known: dict[str, Looked] = field(default_factory=dict)
    _ids: dict[Fact, EvidenceId] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """None where nothing is left to read with."""
        return offered(measurable=self.metrics is not None) if self.left.calls > 0 else ()

    async def look(self, tool: str, arguments: Mapping[str, Json]) -> Looked:
        """What the tool finds; refused where it is unknown, wrongly asked or out of scope."""
        key = json.dumps([tool, dict(arguments)], sort_keys=True)
        # Two providers may be asked at once, and what is left is left for both.
        async with self._turn:
            if key not in self._known:
                looked = await self._look(tool, arguments)
                self._known[key] = looked
                shown = quoted(json.dumps(dict(arguments), sort_keys=True), _LONGEST_ARGUMENTS)
                is_known = tool in {one.name for one in offered(measurable=True)}
                self.done.append(Recorded(quoted(tool, 60), shown, looked.facts, looked.note, looked.refused, is_known))
            return self._known[key]

    async def _look(self, tool: str, arguments: Mapping[str, Json]) -> Looked:
        meant = look_of(tool, arguments, measurable=self.metrics is not None)
        if isinstance(meant, str):
            return Looked(note=meant, refused=True)
        scope = Scope.of(self.diagnosis)
        if why := scope.refusal(meant):
            return Looked(note=why, refused=True)
        if why := self._nothing_left():
            return Looked(note=why)
        return await self._read(meant.model_copy(update={"namespace": meant.namespace or scope.home}))

    def _nothing_left(self) -> str:
        if len(self.done) >= _MOST_LOOKS:
            return f"{_MOST_LOOKS} looks were taken already: answer with what is known"
        if self.left.calls <= 0 or self.left.size <= 0 or self.left.timeout <= timedelta():
            return "what may be read for this incident is used up: answer with what is known"
        return ""

    async def _read(self, look: Look) -> Looked:
        loop = asyncio.get_running_loop()
        began, reading = loop.time(), Reading(self.reader, self.clock, self.metrics, self.left)
        facts: tuple[Fact, ...] = ()
        note = ""
        try:
            async with asyncio.timeout(self.left.timeout.total_seconds()):
                facts, note = await read_more(reading, look)
        except TimeoutError:
            note = "no answer in time"
        except (ClusterError, MetricsUnavailable) as error:
            note = quoted(str(error)) or error.code
        took = timedelta(seconds=loop.time() - began)
        self.left = replace(
            self.left,
            calls=self.left.calls - reading.calls,
            size=self.left.size - reading.size,
            timeout=self.left.timeout - took,
        )
        return Looked(self._numbered(facts), note)

    def _numbered(self, facts: Iterable[Fact]) -> tuple[Evidence, ...]:
        """As evidence, numbered on from what the rules cite; a fact that they cite already keeps its number."""
        cited_already = self.diagnosis.evidence
        known = {(one.source, one.object, one.ref, one.text): one.id for one in cited_already}
        found: dict[EvidenceId, Evidence] = {}
        for fact in facts:
            next_number = EvidenceId(f"e{len(cited_already) + len(self._ids) + 1}")
            number = known.get((fact.source, fact.object, fact.ref, fact.text)) or self._ids.setdefault(
                fact, next_number
            )
            found[number] = Evidence(number, fact.source, fact.object, fact.ref, fact.text, fact.at)
        return tuple(found.values())


def looks_body(done: Iterable[Recorded]) -> list[Json]:
    """The looks for the event log, with every fact that was shown to a model."""
    return [_body(one) for one in done]


def _body(one: Recorded) -> JsonObject:
    facts: list[Json] = [
        {"id": fact.id, "source": fact.source.value, "object": str(fact.object), "ref": fact.ref, "text": fact.text}
        for fact in one.facts
    ]
    return {"tool": one.tool, "arguments": one.arguments, "facts": facts, "note": one.note, "refused": one.refused}
