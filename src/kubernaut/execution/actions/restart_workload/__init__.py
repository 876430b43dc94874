"""Starts every pod of a workload anew, by its own rolling update."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import being_deleted, first, gone, rolling_out, rolling_reach

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """The annotation that `kubectl rollout restart` sets."""
    workload = await on.reader.get(on.target)
    if workload is None:
        return gone(on.target)
    refusal = first(being_deleted(workload), _would_not_roll(workload), rolling_out(workload), _never_worked(workload))
    if refusal:
        return refusal
    # The time of the decision and not of the write: a repeated step writes the same value, and so restarts once.
    moment = on.now.isoformat(timespec="seconds").replace("+00:00", "Z")
    operation = setting(workload, moment, "spec", "template", "metadata", "annotations", RESTARTED_AT)
    return Prepared(workload, edit(workload, operation), rolling_reach(workload))


def _would_not_roll(workload: KubeObject) -> Refused | None:
    if workload.flag("spec", "paused"):
        return Refused("paused", f"{workload.ref} is paused, so nothing would restart")
    if workload.text("spec", "updateStrategy", "type") == "OnDelete":
        return Refused(
            "on_delete", f"{workload.ref} replaces pods only when they are deleted, so nothing would restart"
        )
    return None


def _never_worked(workload: KubeObject) -> Refused | None:
    progress = workload.condition("Progressing")
    stuck = progress is not None and progress.text("reason") == "ProgressDeadlineExceeded"
    if not stuck or workload.integer("status", "availableReplicas") > 0:
        return None
    return Refused(
        "template_at_fault", f"no pod of {workload.ref} became available: the same template would fail again"
    )


ACTION = Action[NoParameters](
    id=ActionId("restart_workload"),
    summary="restarts all pods of a Deployment, StatefulSet or DaemonSet, as its own strategy paces it",
    targets=("Deployment", "StatefulSet", "DaemonSet"),
    parameters=NoParameters,
    when="pods hold a state that a fresh start clears, such as a lost dependency that came back",
    never="while a rollout runs, or when the template is the fault",
    before="same uid; no rollout in progress; not paused; a strategy that replaces pods",
    risk=Risk.LOW,
    undo="none needed: the pods run the template that they ran before",
    replaced=True,
    reads=(
        Rule("apps", "deployments", ("get",)),
        Rule("apps", "statefulsets", ("get",)),
        Rule("apps", "daemonsets", ("get",)),
    ),
    writes=(
        Rule("apps", "deployments", ("patch",)),
        Rule("apps", "statefulsets", ("patch",)),
        Rule("apps", "daemonsets", ("patch",)),
    ),
    prepare=prepare,
)
