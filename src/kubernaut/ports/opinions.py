"""What a model is asked, what it may answer, and the shelf on which answers are kept for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.evidence import Evidence, EvidenceId
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.model_calls import ModelCall
from kubernaut.domain.objects import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that a model may look up; `parameters` is the JSON schema of its arguments."""

    name: str
    purpose: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look brought: facts with ids that can be cited, or in `note` why there are none.

    `refused` where it was the model's mistake: no such tool, wrong arguments, an object that is none of its business.
    """

    facts: tuple[Evidence, ...] = ()
    note: str = ""
    refused: bool = False


class Lookups(Protocol):
    """More evidence for one question: it reads, and within what is left of the incident's budget. Raises nothing."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What may be looked up; nothing else can."""

    async def look(self, tool: str, arguments: Mapping[str, Json]) -> Looked:
        """What that tool finds. The same look again brings the same facts and costs nothing."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked: a diagnosis the rules are unsure of, and the closed list it may choose from.

    A candidate is a remedy with all its parameters, prepared by a rule; `candidates` maps its id to what it does.
    `lookups` bring more evidence to a model that asks for it.
    """

    incident: IncidentId
    diagnosis: Diagnosis
    causes: Mapping[str, str]
    candidates: Mapping[str, str]
    lookups: Lookups | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """A validated reply: every id in it is one of the question's, or of a fact that was `found` for it.

    `calls` are the providers that were asked, in order; none where the answer was `kept` from an equal question.
    """

    cause: str
    action: str
    confidence: float
    evidence: tuple[EvidenceId, ...]
    explanation: str
    provider: str
    calls: tuple[ModelCall, ...] = ()
    kept: bool = False
    found: tuple[Evidence, ...] = ()


class Analyst(Protocol):
    """A second opinion. Raises a `ModelError`; the caller goes on with the rules."""

    async def analyse(self, question: Question) -> Opinion:
        """The opinion, validated against the question."""


class Shelf(Protocol):
    """Texts that are kept until a moment, across restarts. Raises a `StoreError`."""

    async def get(self, key: str, *, now: datetime) -> str | None:
        """The text that was put there, None where there is none or its time is over."""

    async def put(self, key: str, text: str, *, until: datetime) -> None:
        """Keeps the text; one of the same key goes. Texts whose time was over long before may go as well."""
