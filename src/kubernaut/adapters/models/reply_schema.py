"""What a model may answer, as a schema made from the question, and what is wrong with an answer.

Small models keep to integers, enumerations and short strings; ranges of floats they do not. The closed lists of a
question are data beside one fixed class: a class for each question takes longer to make than the prompt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kubernaut.domain.errors import ModelReplyInvalid
from kubernaut.domain.evidence import EvidenceId
from kubernaut.domain.model_calls import ModelFailure
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.ports import Question

NO_REMEDY = "none"
UNDECIDED = "unknown"
LONGEST_REPLY_TOKENS = 512
_LONGEST_EXPLANATION = 400
_MOST_CITED = 5


class Reply(BaseModel):
    """A reply of the right form; whether its ids are of the question, `Choice.check` says."""

    # Strict: a confidence of "80" is a reply of another form, and a sign of a model that does not keep to it.
    model_config = ConfigDict(extra="forbid", strict=True)

    cause: str
    action: str
    confidence_percent: Annotated[int, Field(ge=0, le=100)]
    evidence: Annotated[list[str], Field(max_length=_MOST_CITED)]
    explanation: Annotated[str, Field(max_length=_LONGEST_EXPLANATION)]


_FORM: JsonObject = TypeAdapter(Reply).json_schema()


@dataclass(frozen=True, slots=True)
class Choice:
    """The closed lists of one question. `against` are, by cause, the facts that the rules count against it."""

    causes: tuple[str, ...]
    actions: tuple[str, ...]
    citable: tuple[str, ...]
    against: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, question: Question, citable: Iterable[EvidenceId]) -> Choice:
        """What may be answered to it."""
        against = {str(one.cause): frozenset[str](one.contradicting) for one in question.diagnosis.hypotheses}
        return cls(tuple(question.causes), (*question.candidates, NO_REMEDY), tuple(citable), against)

    def schema(self) -> JsonObject:
        """The JSON schema of a reply, which servers turn into a grammar."""
        evidence: JsonObject = {"type": "array", "items": _one_of(self.citable), "maxItems": _MOST_CITED}
        if not self.citable:
            # An empty enumeration is no valid schema, and some servers answer it with an error.
            evidence = {"type": "array", "items": {"type": "string"}, "maxItems": 0}
        form = _FORM["properties"]
        own: JsonObject = {"cause": _one_of(self.causes), "action": _one_of(self.actions), "evidence": evidence}
        return {**_FORM, "properties": {**form, **own} if isinstance(form, dict) else own}

    def check(self, reply: Reply) -> None:
        """Raises `ModelReplyInvalid` where the reply names what was not given, or cites what does not support it."""
        wrong = [f"cause: {reply.cause[:80]!r} is not one of the given ids"] if reply.cause not in self.causes else []
        if reply.action not in self.actions:
            wrong.append(f"action: {reply.action[:80]!r} is not one of the given ids")
        unknown = [each[:80] for each in reply.evidence if each not in self.citable]
        wrong += [f"evidence: {each!r} is not one of the given facts" for each in unknown]
        if wrong:
            raise ModelReplyInvalid("; ".join(wrong), failure=ModelFailure.UNKNOWN_ID)
        if reply.cause == UNDECIDED:
            return
        if self.citable and not reply.evidence:
            raise ModelReplyInvalid("evidence: cite the facts that prove the cause", failure=ModelFailure.UNSUPPORTED)
        opposed = self.against.get(reply.cause, frozenset()).intersection(reply.evidence)
        if opposed:
            message = f"evidence: {', '.join(sorted(opposed))} speaks against {reply.cause}"
            raise ModelReplyInvalid(message, failure=ModelFailure.UNSUPPORTED)


def parse(text: str) -> Reply:
    """The reply of that text. Raises `ModelReplyInvalid` that says what is wrong with its form."""
    # Models that were told to write JSON like to put a fence around it.
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if not bare:
        raise ModelReplyInvalid("the reply is empty", failure=ModelFailure.EMPTY)
    try:
        return Reply.model_validate_json(bare)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
        raise ModelReplyInvalid(wrong, failure=_class_of(bare)) from error


def _class_of(text: str) -> ModelFailure:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return ModelFailure.NOT_JSON
    return ModelFailure.WRONG_SCHEMA


def _one_of(ids: tuple[str, ...]) -> JsonObject:
    choices: list[Json] = [*ids]
    return {"enum": choices, "type": "string"}
