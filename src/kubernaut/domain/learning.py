"""What a finished incident teaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.lifecycle import Ending


@dataclass(frozen=True, slots=True)
class Pattern:
    """A finished incident as it is remembered. `vector` has length 1 and belongs to `embedder`."""

    id: IncidentId
    text: str
    cause: str
    action: str
    ending: Ending
    seconds: float
    at: datetime
    embedder: str
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Recalled:
    """A pattern that is like the incident at hand; `likeness` is the cosine, -1..1."""

    pattern: Pattern
    likeness: float
