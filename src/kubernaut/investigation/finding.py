"""What a cause is, as data and one pure function a kind of subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.subjects import Node, Other, Service, Workload
from kubernaut.investigation.things import Thing


class Role(StrEnum):
    """When a cause is asked: faults first, then what is only known in outline, then where nothing is to be done."""

    FAULT = "fault"
    OUTLINE = "outline"
    SETTLED = "settled"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause that fits one subject, with the facts for it and against it.

    `places` fills the words in braces of the cause's `by_hand` commands besides namespace, kind and name. `is_symptom`
    is as that of the cause, where only this finding is explained better by what is broken behind it.
    """

    target: ObjectRef
    summary: str
    verdict: Verdict
    supporting: tuple[Fact, ...]
    contradicting: tuple[Fact, ...] = ()
    remedies: tuple[ActionCall, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    is_symptom: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """The declaration of a cause.

    `needs` are the kinds whose lists must have been read whole before anything is done about it; `faults` the rows of
    the fault catalogue it stands for; `look_alikes` what it must not be taken for, with what tells them apart.
    `narrows` are wider causes that this one states more exactly: where both fit one container, only this one is told.
    `is_symptom` marks a finding that a broken dependency explains better.
    """

    id: CauseId
    title: str
    needs: tuple[str, ...]
    look_alikes: Mapping[str, str]
    know: str
    by_hand: tuple[str, ...] = ()
    faults: tuple[int, ...] = ()
    role: Role = Role.FAULT
    narrows: tuple[str, ...] = ()
    is_symptom: bool = False
    workload: Callable[[Workload], Finding | None] | None = None
    service: Callable[[Service], Finding | None] | None = None
    node: Callable[[Node], Finding | None] | None = None
    thing: Callable[[Thing], Finding | None] | None = None
    other: Callable[[Other], Finding | None] | None = None
