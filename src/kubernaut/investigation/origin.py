"""Whether the last change of the template brought a fault, and the way back where it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubernaut.domain.diagnosis import CHANGE_SETTLES, ActionCall, Verdict
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.remedies import escalate, way_back
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference
from kubernaut.investigation.untold import as_far_as_known

YOUNG = "The change is less than two minutes old: what it needs may still come."
Relevant = Callable[[Difference], bool]


@dataclass(frozen=True, slots=True)
class Origin:
    """What is to be done about a fault, by where it came from."""

    verdict: Verdict
    remedies: tuple[ActionCall, ...]
    facts: tuple[Fact, ...]
    words: str
    is_change: bool


def origin(workload: Workload, relevant: Relevant, *, otherwise: str, verdict: Verdict = Verdict.ACT) -> Origin:
    """A rollback where the last change touched what fails and a former revision worked; else for people.

    `otherwise` is what is told where the template is not to blame.
    """
    change = workload.change
    if change is None or not any(relevant(part) for part in change.real):
        words = as_far_as_known(workload, otherwise)
        return Origin(Verdict.ESCALATE, (escalate(workload.ref),), (), words, is_change=False)
    told = workload.change_fact(relevant)
    if is_young(workload):
        found = (told,) if told else ()
        return Origin(Verdict.ESCALATE, (escalate(workload.ref),), found, YOUNG, is_change=True)
    back = way_back(workload, relevant, verdict=verdict)
    found = (*((told,) if told else ()), *back.facts)
    return Origin(back.verdict, back.remedies, found, back.words, is_change=True)


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a reason why pods are not made or not placed is told: which change brings it, and what is said else."""

    relevant: Relevant
    words: str
    otherwise: str
    verdict: Verdict = Verdict.ACT

    def origin(self, workload: Workload) -> Origin:
        """Whether the last change brought it, and the way back."""
        return origin(workload, self.relevant, otherwise=self.otherwise, verdict=self.verdict)


def is_young(workload: Workload) -> bool:
    """Whether the last change is so new that what it needs may still be on its way."""
    change = workload.change
    return change is not None and change.at is not None and workload.scene.now - change.at < CHANGE_SETTLES


def of_container(name: str, *fields: str) -> Relevant:
    """Whether a difference is about one of these fields of that container."""

    def relevant(part: Difference) -> bool:
        return part.is_in(name) and part.touches(*fields)

    return relevant


def of_pod(*fields: str) -> Relevant:
    """Whether a difference is about one of these fields, anywhere in the pod."""

    def relevant(part: Difference) -> bool:
        return part.touches(*fields)

    return relevant
