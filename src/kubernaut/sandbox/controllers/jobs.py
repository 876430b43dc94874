"""The Job controller, in its simple form: completions, parallelism and a back-off limit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.controllers.retrying import Retries
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import JOB, POD
from kubernaut.sandbox.kubelet.back_off import back_off_s
from kubernaut.sandbox.recorder import Recorder, normal, warning
from kubernaut.sandbox.shapes import set_condition, stamp
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

_NAME_LABEL = "batch.kubernetes.io/job-name"
_UID_LABEL = "batch.kubernetes.io/controller-uid"


class Jobs:
    """Runs pods until enough have succeeded or too many have failed."""

    watches = frozenset({JOB.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "job-controller")
        self._retries = Retries()

    def affected(self, change: Change) -> Iterable[Key]:
        """The job itself, or the one that owns the pod."""
        if change.kind is JOB:
            return [pods.key_of(change.stored.view)]
        return pods.owner_keys(change, JOB)

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Starts what is missing, then counts."""
        item = self._cluster.find(JOB, *key)
        if item is None or pods.is_terminating(item) or _is_finished(item) or item.flag("spec", "suspend"):
            return None
        owned = pods.owned_by(self._cluster, POD, item)
        phases = [pod.text("status", "phase") for pod in owned]
        succeeded, failed = phases.count("Succeeded"), phases.count("Failed")
        active = [pod for pod in owned if pods.is_active(pod)]
        status = pods.status_draft(item)
        status |= {"startTime": status.get("startTime") or stamp(now), "active": len(active)}
        status |= {"succeeded": succeeded, "failed": failed, "ready": sum(map(pods.is_ready, active))}
        wanted = item.integer("spec", "completions", default=1)
        limit = item.integer("spec", "backoffLimit", default=6)
        if succeeded >= wanted:
            self._finish(
                item, status, "Complete", "CompletionsReached", "Reached expected number of succeeded pods", now
            )
        elif failed > limit or _restarts(item, active) >= max(1, limit):
            self._give_up(item, status, active, now)
        elif again := _rest(owned, now) or self._retries.waiting(item.uid, now):
            pods.write_status(self._cluster, JOB, item, status)
            return again
        else:
            room = min(item.integer("spec", "parallelism", default=1), wanted - succeeded) - len(active)
            status["active"] = len(active) + sum(self._start(item, now) for _ in range(room))
        pods.write_status(self._cluster, JOB, item, status)
        return self._retries.waiting(item.uid, now)

    def _give_up(self, item: KubeObject, status: JsonObject, active: list[KubeObject], now: datetime) -> None:
        text = "Job has reached the specified backoff limit"
        self._finish(item, status, "Failed", "BackoffLimitExceeded", text, now)
        for pod in active:
            self._cluster.delete(POD, pod.namespace, pod.name, pods.CONTROLLER)

    def _start(self, item: KubeObject, now: datetime) -> int:
        labels = {_NAME_LABEL: item.name, _UID_LABEL: item.uid, "job-name": item.name, "controller-uid": item.uid}
        draft = pods.pod_from_template(item.tree("spec", "template"), item, labels=labels)
        try:
            made = self._cluster.create(POD, item.namespace, draft, pods.CONTROLLER)
        except Failure as refused:
            self._recorder.record(item, warning("FailedCreate", f"Error creating: {refused}"), now)
            self._retries.failed(item.uid, now)
            return 0
        self._retries.succeeded(item.uid)
        text = f"Created pod: {Tree(made).text('metadata', 'name')}"
        self._recorder.record(item, normal("SuccessfulCreate", text), now)
        return 1

    def _finish(self, item: KubeObject, status: JsonObject, kind: str, reason: str, text: str, now: datetime) -> None:
        condition: JsonObject = {
            "type": kind,
            "status": "True",
            "lastProbeTime": stamp(now),
            "lastTransitionTime": stamp(now),
            "reason": reason,
            "message": text,
        }
        set_condition(status, condition)
        if kind == "Complete":
            status["completionTime"] = stamp(now)
            self._recorder.record(item, normal("Completed", "Job completed"), now)
        else:
            self._recorder.record(item, warning(reason, text), now)


def _restarts(item: KubeObject, active: list[KubeObject]) -> int:
    """How often containers were started again in place, which counts where that is how they are tried again."""
    if item.text("spec", "template", "spec", "restartPolicy") != "OnFailure":
        return 0
    lists = [pod.trees("status", name) for pod in active for name in ("initContainerStatuses", "containerStatuses")]
    return sum(status.integer("restartCount") for statuses in lists for status in statuses)


def _rest(owned: list[KubeObject], now: datetime) -> datetime | None:
    """Until when no pod is started after the last that failed: 10 s, doubled with each."""
    failed = [pod for pod in owned if pod.text("status", "phase") == "Failed"]
    ends = [
        ended
        for pod in failed
        for status in pod.trees("status", "containerStatuses")
        if (ended := status.time("state", "terminated", "finishedAt"))
    ]
    due = max(ends) + timedelta(seconds=back_off_s(len(failed))) if ends else now
    return due if now < due else None


def _is_finished(item: KubeObject) -> bool:
    return any(
        entry.text("status") == "True" for entry in item.conditions() if entry.text("type") in ("Complete", "Failed")
    )
