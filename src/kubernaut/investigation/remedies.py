"""Calls of the action catalogue, as the causes recommend them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter, Verdict
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.revisions import GoodRevision
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import UNSEEN, Difference

# One field of a container that is there in both revisions.
_FIELD = re.compile(
    r"containers\[(?P<container>[^\]]+)\]\.(?P<field>image|command|args|workingDir|env|livenessProbe|readinessProbe"
    r"|startupProbe)\b(?:\[(?P<variable>[^\]]+)\])?"
)
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
    unseen = UNSEEN in good.differences or not good.revision.number
    title = f"{good.revision.title[:1].upper()}{good.revision.title[1:]}"
    words = f"{title} {'still works' if unseen else 'worked without it'}."
    words += "" if good.revision.number else " Its number is not shown."
    if held := _held(workload.object):
        return WayBack(Verdict.ESCALATE, (escalate(workload.ref),), (good.proof,), f"{words} {held}")
    back = roll_back(workload, good.revision.number)
    narrow = _narrow(workload, good, relevant)
    doubted = unseen or _may_have_written(workload)
    careful = Verdict.APPROVE if verdict is Verdict.ACT and doubted else verdict
    return WayBack(careful, (back, *narrow), (good.proof,), words)


def _narrow(workload: Workload, good: GoodRevision, relevant: Callable[[Difference], bool]) -> tuple[ActionCall, ...]:
    """The one field alone, as a second choice where the revision also changed what has nothing to do with the fault."""
    changed = [part for part in good.differences if not part.is_stamp]
    wrong = [part for part in changed if relevant(part)]
    if not wrong or len(wrong) == len(changed):
        return ()
    match = _FIELD.match(wrong[0].path)
    if match is None or any(not part.path.startswith(match[0]) for part in wrong):
        return ()
    where: dict[str, Parameter] = {"container": match["container"], "revision": good.revision.number}
    field, variable = match["field"], match["variable"]
    if field == "env":
        return (call("restore_env", workload.ref, variable=variable, **where),) if variable else ()
    if field.endswith("Probe"):
        probe = field.removesuffix("Probe")
        return (call("adjust_probe", workload.ref, probe=probe, **where),) if wrong[0].old is not None else ()
    return (call("restore_image" if field == "image" else "restore_command", workload.ref, **where),)


def _held(item: KubeObject) -> str:
    """Why a former template would not reach the pods, empty where it would."""
    strategy = item.tree("spec", "updateStrategy")
    if item.flag("spec", "paused"):
        return "Its rollout is paused, so a template that is put back would not be rolled out."
    if strategy.text("type") == "OnDelete":
        return "It replaces a pod only when somebody deletes it."
    if item.kind == "StatefulSet" and strategy.integer("rollingUpdate", "partition") > 0:
        return "It holds a partition, and the pods below keep what they have."
    return ""


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
