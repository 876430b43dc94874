"""What people may order over HTTP, as callables that wiring hands in: this side decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kubernaut.domain.diagnosis import Parameter
from kubernaut.domain.incidents import IncidentId


@dataclass(frozen=True, slots=True)
class Instruction:
    """Who says so and why.

    `choice` is the number of the option to approve, 1 being the plan itself, or the action's name; `parameters` are
    those of its parameters that shall be other ones.
    """

    by: str
    reason: str = ""
    choice: int | str = 1
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """It was taken; `text` says what happens now."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not, and what would help."""

    reason: str
    help: str = ""


Answer: TypeAlias = Done | Refused
IncidentOrder: TypeAlias = Callable[[IncidentId, Instruction], Awaitable[Answer]]
Order: TypeAlias = Callable[[Instruction], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operations:
    """Each raises `UnknownName` for an incident that does not exist."""

    approve: IncidentOrder
    reject: IncidentOrder
    undo: IncidentOrder
    suspend: Order
    resume: Order
