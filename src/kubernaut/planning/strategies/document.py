"""The form of a strategy: strict, so that a misspelt word is an error and never a step that is left out."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from kubernaut.domain.plans import OnFailure

API_VERSION = "kubernaut.ai/v1"
KIND = "RemediationStrategy"
# A longer watch would outlast the time for which the target belongs to the incident.
LONGEST_WINDOW_S = 600
_UNITS = {"s": 1, "m": 60}

Condition = Annotated[str, Field(min_length=1, max_length=2000)]
Text = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")]
CauseName = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,62}|\*)$")]


def seconds_of(text: str) -> float:
    """The seconds of `90s` or `5m`."""
    return float(text[:-1]) * _UNITS[text[-1]]


def _bounded(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,4}[sm]", text) or seconds_of(text) > LONGEST_WINDOW_S:
        raise ValueError("give seconds or minutes up to ten minutes, such as 90s or 5m")
    return text


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=False
    )


class Verify(_Part):
    """How a step is watched: for how long its object has to stay well, and what is enough."""

    window: Annotated[str, AfterValidator(_bounded)] = "0s"
    until: Literal["healed", "settled"] = "healed"


class Step(_Part):
    """One action. Parameters that are not named are those of the cause's own remedy by this action.

    A parameter is a number, true or false, or an expression in text.
    """

    action: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    parameters: Annotated[dict[str, Condition | int | float | bool], Field(max_length=20)] = {}
    when: Condition = "true"
    verify: Verify = Verify()
    on_failure: OnFailure = OnFailure.NEXT


class Expected(_Part):
    """What its author expects, for people who choose."""

    seconds: Annotated[float | None, Field(ge=0, le=86_400)] = None
    cost_usd: Annotated[float | None, Field(ge=0, le=1_000_000, alias="cost_usd")] = None


class Spec(_Part):
    """What it is for, and its steps in order. The cause `*` is every cause."""

    description: Text = ""
    causes: Annotated[tuple[CauseName, ...], Field(min_length=1, max_length=200)]
    when: Condition = "true"
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=10)]
    expected: Expected = Expected()


class Metadata(_Part):
    """Its name; labels and annotations are for people."""

    name: Name
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Document(_Part):
    """A whole strategy."""

    api_version: Literal["kubernaut.ai/v1"]
    kind: Literal["RemediationStrategy"]
    metadata: Metadata
    spec: Spec
