"""What a finished incident teaches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubernaut.domain.diagnosis import Parameter
from kubernaut.domain.errors import EmptyEmbedding
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.lifecycle import Ending

# How far from 1 the length of a vector may be, after it went through float32 and text.
_SLACK = 1e-3


@dataclass(frozen=True, slots=True)
class Pattern:
    """A finished incident as it is remembered.

    `features` are the facts that the cause rested on, without what only that occurrence had; `action` and `parameters`
    are the strategy that was applied last, empty where nothing was; `ending` is its outcome. What it cost: `seconds`
    from the alert to the end, and `tokens` of language models. `vector` has length 1 and belongs to `embedder`: a
    pattern without a meaning cannot be made, and raises `EmptyEmbedding`.
    """

    id: IncidentId
    text: str
    cause: str
    action: str
    ending: Ending
    seconds: float
    at: datetime
    embedder: str
    vector: tuple[float, ...]
    namespace: str = ""
    kind: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    tokens: int = 0

    def __post_init__(self) -> None:
        # Written so that NaN fails as well.
        if not abs(math.hypot(*self.vector) - 1.0) < _SLACK:
            raise EmptyEmbedding(f"the pattern of {self.id} has no unit vector, so it could never be found")

    @property
    def dimension(self) -> int:
        """How many numbers its vector has."""
        return len(self.vector)

    @property
    def healed(self) -> bool:
        """Whether a remedy was applied and verified to help."""
        return self.ending is Ending.HEALED and bool(self.action)


@dataclass(frozen=True, slots=True)
class Recalled:
    """A pattern that is like the incident at hand; `likeness` is the cosine, -1..1."""

    pattern: Pattern
    likeness: float
