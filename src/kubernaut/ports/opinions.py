"""What a model is asked, and what it may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.evidence import EvidenceId
from kubernaut.domain.incidents import IncidentId


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked: a diagnosis the rules are unsure of, and the closed list it may choose from."""

    incident: IncidentId
    diagnosis: Diagnosis
    causes: Mapping[str, str]
    candidates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Opinion:
    """A validated reply: every id in it is one of the question's."""

    cause: str
    action: str
    confidence: float
    evidence: tuple[EvidenceId, ...]
    explanation: str
    provider: str
    tokens: int = 0
    took_s: float = 0.0
    requests: int = 1


class Analyst(Protocol):
    """A second opinion. Raises a `ModelError`; the caller goes on with the rules."""

    async def analyse(self, question: Question) -> Opinion:
        """The opinion, validated against the question."""
