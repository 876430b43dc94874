"""What a model may answer, as a schema made from the question.

Small models keep to integers, enumerations and short strings; ranges of floats they do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, create_model

from kubernaut.domain.evidence import EvidenceId
from kubernaut.ports import Question

NO_REMEDY = "none"
_LONGEST_EXPLANATION = 400
_MOST_CITED = 5


class Reply(Protocol):
    """A reply that fits the schema."""

    cause: str
    action: str
    confidence_percent: int
    evidence: list[str]
    explanation: str


def reply_type(question: Question, citable: Iterable[EvidenceId]) -> type[BaseModel]:
    """A model class whose ids are the closed lists of this question."""
    return create_model(
        "Reply",
        __config__=ConfigDict(extra="forbid", strict=True),
        cause=(_one_of(question.causes), ...),
        action=(_one_of([*question.candidates, NO_REMEDY]), ...),
        confidence_percent=(Annotated[int, Field(ge=0, le=100)], ...),
        evidence=(_some_of(tuple(citable)), ...),
        explanation=(Annotated[str, Field(max_length=_LONGEST_EXPLANATION)], ...),
    )


def as_reply(value: BaseModel) -> Reply:
    """The validated value with the names of its fields."""
    return cast("Reply", value)


def _one_of(ids: Iterable[str]) -> type[str]:
    return cast("type[str]", Literal[tuple(ids)])


def _some_of(ids: tuple[EvidenceId, ...]) -> type[list[str]]:
    item = _one_of(ids) if ids else str
    return cast("type[list[str]]", Annotated[list[item], Field(max_length=_MOST_CITED if ids else 0)])  # type: ignore[valid-type]
