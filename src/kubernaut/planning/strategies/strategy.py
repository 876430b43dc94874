"""A strategy with its compiled expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from kubernaut.domain.diagnosis import ActionCall, Parameter
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import Course
from kubernaut.planning.strategies.document import Document, Step, seconds_of

Formula = Callable[[JsonObject], object]


@dataclass(frozen=True, slots=True)
class ActionForm:
    """What a strategy may say about an action.

    `check` raises `InputError` for a whole call that the action does not take, `check_parameter` for one value of it.
    """

    targets: tuple[str, ...]
    parameters: frozenset[str]
    required: frozenset[str]
    changes: bool
    check: Callable[[ActionCall], object]
    check_parameter: Callable[[str, Parameter], object]


@dataclass(frozen=True, slots=True)
class Known:
    """What strategies may name: the causes and the actions that there are."""

    causes: frozenset[str] = frozenset()
    actions: Mapping[str, ActionForm] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Strategy:
    """One strategy in force.

    `formulas` are its expressions by their field (`when`, `steps[0].when`, `steps[0].parameters.factor`); without one
    there is none to evaluate. `place` is where it stands, such as `memory.yaml:3:1`.
    """

    document: Document
    place: str
    digest: str
    formulas: Mapping[str, Formula] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """Its name, which is unique among all that are in force."""
        return self.document.metadata.name

    @property
    def steps(self) -> tuple[Step, ...]:
        """Its steps, in order."""
        return self.document.spec.steps

    def is_for(self, cause: str) -> bool:
        """Whether it is meant for the cause."""
        return bool({cause, "*"} & set(self.document.spec.causes))

    def course(self, index: int) -> Course:
        """What it says about the step of that index."""
        step = self.steps[index]
        return Course(
            strategy=self.name,
            digest=self.digest,
            step=index + 1,
            of=len(self.steps),
            on_failure=step.on_failure,
            prepares=step.verify.until == "settled",
            window_s=seconds_of(step.verify.window),
        )
