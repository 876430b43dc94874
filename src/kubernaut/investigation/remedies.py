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

# Volumes that outlive the pod that wrote into them.
_LASTING = frozenset({"persistentVolumeClaim", "hostPath", "nfs", "csi"})


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
    careful = Verdict.APPROVE if verdict is Verdict.ACT and _may_have_written(workload) else verdict
    return WayBack(careful, (back,), (good.proof,), words)


def _may_have_written(workload: Workload) -> bool:
    """Whether pods of the present revision may have written what the former one cannot read.

    That takes a volume that outlives its pod, and a container that ever ran. What a program keeps elsewhere is the same
    for every kind of workload.
    """
    spec = workload.object.tree("spec")
    volumes = spec.trees("template", "spec", "volumes")
    lasting = [*spec.trees("volumeClaimTemplates"), *(each for each in volumes if _LASTING & each.raw.keys())]
    return bool(lasting) and any(each.is_running or each.ended is not None for each in workload.containers)


def roll_back(workload: Workload, revision: int) -> ActionCall:
    """The return to that revision, by the action of the workload's kind."""
    return call(_ROLLBACKS[workload.object.kind], workload.ref, revision=revision)
