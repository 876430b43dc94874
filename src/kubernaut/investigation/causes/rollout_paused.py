"""A paused rollout that nothing marks as meant, and a change that waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.provenance import last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.intent import marked_pause
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.revisions import Revision, spell
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import UNSEEN, Difference, differences

# Who pauses to look at a canary is back within minutes.
_LEFT = timedelta(minutes=5)


def examine(workload: Workload) -> Finding | None:
    """The finding when a template waits that no ReplicaSet has, or not all pods have; else a pause keeps nothing up."""
    item = workload.object
    if item.kind != "Deployment" or not item.flag("spec", "paused") or marked_pause(item) or item.controller:
        return None
    author = last_writer(item, "spec", "paused")
    waiting = _waiting(workload)
    half = _half(workload)
    if not (waiting or half) or (author and author.at and workload.scene.now - author.at < _LEFT):
        return None
    by = f" {author}" if author else ""
    changed = last_writer(item, "spec", "template")
    held = f"a change waits: {waiting[0]}" if waiting else half
    text = f"no ReplicaSet has {waiting[0]} yet" if waiting else half
    if waiting[:1] == [UNSEEN]:
        held, text = "a change waits, which is not shown", "none of its pods has the present template yet"
    since = f" for {_since(workload, author.at)}" if author and author.at else ""
    return Finding(
        target=item.ref,
        summary=(f"{workload.title}: its rollout is paused{since}, nothing marks that as meant, and {held}."),
        verdict=Verdict.APPROVE,
        supporting=(
            facts.field(item, "spec.paused", f"the rollout is paused{by}", author.at if author else None),
            facts.change(item, "spec.template", text, changed.at if changed else None),
        ),
        remedies=(call("resume_rollout", item.ref), escalate(item.ref)),
    )


def _half(workload: Workload) -> str:
    """That the rollout was stopped in its middle: pods of two revisions stand side by side."""
    if not workload.revisions:
        return ""
    newest, former = workload.revisions[0], sum(each.desired for each in workload.revisions[1:])
    if not newest.desired or not former:
        return ""
    return f"it stands half-way: {newest.desired} pods are to have revision {newest.number}, {former} a former one"


def _since(workload: Workload, at: datetime) -> str:
    return spell(workload.scene.now - at)


def _waiting(workload: Workload) -> list[Difference]:
    """How the template differs from that of every ReplicaSet."""
    if not workload.revisions:
        return [*_behind(workload)]
    found = [[part for part in _differing(workload, each) if not part.is_stamp] for each in workload.revisions]
    return found[0] if all(found) else []


def _differing(workload: Workload, revision: Revision) -> tuple[Difference, ...]:
    """Of a revision that was not read, only the controller's count tells that none of its pods has the template."""
    if revision.template.has("spec", "containers"):
        return differences(revision.template, workload.template)
    return _behind(workload)


def _behind(workload: Workload) -> tuple[Difference, ...]:
    """That none of its pods has the template, by the controller's count: no ReplicaSet has it then."""
    status = workload.object.tree("status")
    return (UNSEEN,) if status.has("updatedReplicas") and status.integer("updatedReplicas") == 0 else ()


CAUSE = Cause(
    id=CauseId("rollout_paused"),
    title="A rollout was left paused, and a change waits for it",
    faults=(68,),
    needs=("Deployment", "ReplicaSet"),
    look_alikes={
        "intended_state": "a mark or an owner says that the pause is meant, or nothing waits for it",
        "controllers_silent": "it is not paused, and no controller takes the change up",
    },
    know="To mark a pause as meant: annotate the Deployment with kubernaut.ai/intended=REASON.",
    by_hand=(
        "kubectl -n {namespace} get {kind}/{name} -o yaml --show-managed-fields",
        "kubectl -n {namespace} rollout resume {kind}/{name}",
    ),
    workload=examine,
)
