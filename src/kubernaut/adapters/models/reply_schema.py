"""What a model may answer, as a schema made from the question.

Small models keep to integers, enumerations and short strings; ranges of floats they do not. The closed lists of a
question are data beside one fixed class: a class for each question takes longer to make than the prompt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from kubernaut.domain.evidence import EvidenceId
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.ports import Question

NO_REMEDY = "none"
_LONGEST_EXPLANATION = 400
_MOST_CITED = 5


class Reply(BaseModel):
    """A reply of the right form; whether its ids are of the question, `Choice.wrong_in` says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    cause: str
    action: str
    confidence_percent: Annotated[int, Field(ge=0, le=100)]
    evidence: Annotated[list[str], Field(max_length=_MOST_CITED)]
    explanation: Annotated[str, Field(max_length=_LONGEST_EXPLANATION)]


_FORM: JsonObject = TypeAdapter(Reply).json_schema()


@dataclass(frozen=True, slots=True)
class Choice:
    """The closed lists of one question."""

    causes: tuple[str, ...]
    actions: tuple[str, ...]
    citable: tuple[str, ...]

    @classmethod
    def of(cls, question: Question, citable: Iterable[EvidenceId]) -> Choice:
        """What may be answered to it."""
        return cls(tuple(question.causes), (*question.candidates, NO_REMEDY), tuple(citable))

    def schema(self) -> JsonObject:
        """The JSON schema of a reply, which servers turn into a grammar."""
        evidence: JsonObject = {"type": "array", "items": _one_of(self.citable), "maxItems": _MOST_CITED}
        if not self.citable:
            evidence = {"type": "array", "items": {"type": "string"}, "maxItems": 0}
        form = _FORM["properties"]
        own: JsonObject = {"cause": _one_of(self.causes), "action": _one_of(self.actions), "evidence": evidence}
        return {**_FORM, "properties": {**form, **own} if isinstance(form, dict) else own}

    def wrong_in(self, reply: Reply) -> list[str]:
        """What the reply names that was not given."""
        wrong = [f"cause: {reply.cause[:80]!r} is not one of the given ids"] if reply.cause not in self.causes else []
        if reply.action not in self.actions:
            wrong.append(f"action: {reply.action[:80]!r} is not one of the given ids")
        unknown = [each[:80] for each in reply.evidence if each not in self.citable]
        return [*wrong, *(f"evidence: {each!r} is not one of the given facts" for each in unknown)]


def _one_of(ids: tuple[str, ...]) -> JsonObject:
    choices: list[Json] = [*ids]
    return {"enum": choices, "type": "string"}
