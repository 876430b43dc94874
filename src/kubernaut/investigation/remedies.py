"""Calls of the action catalogue, as the causes recommend them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter, Verdict
from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference

_ROLLBACKS = {
    "Deployment": "rollback_deployment",
    "StatefulSet": "rollback_statefulset",
    "DaemonSet": "rollback_daemonset",
}


def call(action: str, target: ObjectRef, **parameters: Parameter) -> ActionCall:
    """One call."""
    return ActionCall(ActionId(action), target, parameters)


def escalate(target: ObjectRef) -> ActionCall:
    """Hand it to a person."""
    return call("escalate", target)


@dataclass(frozen=True, slots=True)
class WayBack:
    """The return to a former revision as a remedy, or why there is none."""

    verdict: Verdict
    remedies: tuple[ActionCall, ...]
    facts: tuple[Fact, ...]
    words: str


def way_back(workload: Workload, relevant: Callable[[Difference], bool], *, verdict: Verdict = Verdict.ACT) -> WayBack:
    """A rollback to the last revision that worked and differs where it matters; escalation where there is none."""
    good = workload.good_revision(relevant)
    if good is None:
        hand = escalate(workload.ref)
        return WayBack(Verdict.ESCALATE, (hand,), (), "No former revision is known to have worked without it.")
    back = roll_back(workload, good.revision.number)
    words = f"Revision {good.revision.number} worked without it."
    # What a StatefulSet's new pods have written, the former revision may not be able to read.
    careful = Verdict.APPROVE if verdict is Verdict.ACT and workload.object.kind == "StatefulSet" else verdict
    return WayBack(careful, (back,), (good.proof,), words)


def roll_back(workload: Workload, revision: int) -> ActionCall:
    """The return to that revision, by the action of the workload's kind."""
    return call(_ROLLBACKS[workload.object.kind], workload.ref, revision=revision)
