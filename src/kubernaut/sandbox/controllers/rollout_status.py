"""The status of a Deployment: counts, and the conditions Available, Progressing and ReplicaFailure."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.sandbox.controllers.pods import share, status_draft
from kubernaut.sandbox.shapes import drop_condition, entries, set_condition, stamp

AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def limits(deployment: KubeObject) -> tuple[int, int]:
    """`maxSurge` and `maxUnavailable` as counts; never both zero."""
    replicas = deployment.integer("spec", "replicas")
    rolling = deployment.tree("spec", "strategy", "rollingUpdate")
    surge = share(rolling.at("maxSurge"), replicas, round_up=True)
    unavailable = share(rolling.at("maxUnavailable"), replicas, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, replicas)


def is_complete(deployment: KubeObject, status: Tree) -> bool:
    """Whether all replicas are of the new template and available."""
    wanted = deployment.integer("spec", "replicas")
    counts = [status.integer(key) for key in ("updatedReplicas", "replicas", "availableReplicas")]
    return all(count == wanted for count in counts)


def next_status(
    deployment: KubeObject, sets: list[KubeObject], new: KubeObject | None, now: datetime
) -> tuple[JsonObject, datetime | None]:
    """The status as it should stand now, and when the deadline for progress runs out."""
    status = status_draft(deployment)
    before = deployment.tree("status")
    _set_counts(status, deployment, sets, new)
    _set_available(status, deployment, now)
    due = None if deployment.flag("spec", "paused") else _set_progress(status, before, deployment, new, now)
    _set_failure(status, sets)
    conditions = entries(status, "conditions")
    conditions.sort(key=lambda item: str(item.get("lastUpdateTime")))
    return status, due


def _set_counts(status: JsonObject, deployment: KubeObject, sets: list[KubeObject], new: KubeObject | None) -> None:
    def total(key: str) -> int:
        return sum(item.integer("status", key) for item in sets)

    wanted = sum(item.integer("spec", "replicas") for item in sets)
    available = total("availableReplicas")
    counts = {
        "replicas": total("replicas"),
        "updatedReplicas": new.integer("status", "replicas") if new else 0,
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }
    status["observedGeneration"] = deployment.generation
    for key in _COUNTS:
        if counts[key]:
            status[key] = counts[key]
        else:
            status.pop(key, None)


def condition(kind: str, value: str, reason: str, message: str, now: datetime) -> JsonObject:
    """A condition of a Deployment."""
    return {
        "type": kind,
        "status": value,
        "lastUpdateTime": stamp(now),
        "lastTransitionTime": stamp(now),
        "reason": reason,
        "message": message,
    }


def put_condition(status: JsonObject, fresh: JsonObject) -> None:
    """Sets the condition unless the same status and reason stand already."""
    for known in entries(status, "conditions"):
        same = all(known.get(key) == fresh.get(key) for key in ("type", "status", "reason"))
        if same:
            return
    set_condition(status, fresh)


def _set_available(status: JsonObject, deployment: KubeObject, now: datetime) -> None:
    _, unavailable = limits(deployment)
    if deployment.text("spec", "strategy", "type") == "Recreate":
        unavailable = 0
    least = deployment.integer("spec", "replicas") - unavailable
    if Tree(status).integer("availableReplicas") >= least:
        fresh = condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    else:
        text = "Deployment does not have minimum availability."
        fresh = condition("Available", "False", "MinimumReplicasUnavailable", text, now)
    put_condition(status, fresh)


def _set_progress(
    status: JsonObject, before: Tree, deployment: KubeObject, new: KubeObject | None, now: datetime
) -> datetime | None:
    after = Tree(status)
    known = next((item for item in after.trees("conditions") if item.text("type") == "Progressing"), None)
    name = new.name if new else deployment.name
    settled = after.integer("replicas") == after.integer("updatedReplicas")
    # A finished rollout is not judged again: pods that fail later are no matter of its deadline.
    if settled and known is not None and known.text("reason") == AVAILABLE:
        return None
    if is_complete(deployment, after):
        text = f'ReplicaSet "{name}" has successfully progressed.'
        put_condition(status, condition("Progressing", "True", AVAILABLE, text, now))
        return None
    if _has_progressed(before, after):
        text = f'ReplicaSet "{name}" is progressing.'
        set_condition(status, condition("Progressing", "True", "ReplicaSetUpdated", text, now))
        return now + _deadline(deployment)
    if known is None or known.text("reason") == TIMED_OUT:
        return None
    since = known.time("lastUpdateTime") or now
    if since + _deadline(deployment) > now:
        return since + _deadline(deployment)
    text = f'ReplicaSet "{name}" has timed out progressing.'
    put_condition(status, condition("Progressing", "False", TIMED_OUT, text, now))
    return None


def _deadline(deployment: KubeObject) -> timedelta:
    return timedelta(seconds=deployment.integer("spec", "progressDeadlineSeconds", default=600))


def _has_progressed(before: Tree, after: Tree) -> bool:
    def old(tree: Tree) -> int:
        return tree.integer("replicas") - tree.integer("updatedReplicas")

    grown = any(
        after.integer(key) > before.integer(key) for key in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
    return grown or old(after) < old(before)


def _set_failure(status: JsonObject, sets: list[KubeObject]) -> None:
    for item in sets:
        failure = item.condition("ReplicaFailure")
        if failure is not None:
            fresh = {**failure.raw, "lastUpdateTime": failure.text("lastTransitionTime")}
            put_condition(status, fresh)
            return
    drop_condition(status, "ReplicaFailure")
