"""Containers fail although their template is the one that worked."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.configuration import edits
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.crashes import Crash, Link, crash_of, link
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.untold import UNTOLD

_TOGETHER = timedelta(minutes=2)
_STATELESS = frozenset({"Deployment", "ReplicaSet", "DaemonSet"})


def examine(workload: Workload) -> Finding | None:
    """The finding when no template change explains the crashes: one lone pod is replaced, the rest is for people."""
    crash = crash_of(workload)
    if crash is None or link(workload, crash.since) is Link.FOLLOWS:
        return None
    lone = _lone_pod(workload, crash)
    remedies = [escalate(workload.ref)]
    verdict, words = Verdict.ESCALATE, UNTOLD
    if workload.is_history_seen:
        words = "No change of the template explains it."
    if lone:
        remedies.insert(0, call("restart_pod", crash.container.pod.ref))
        verdict, words = Verdict.ACT, "It is the only pod that fails; the others of the same revision are ready."
    edited = [edit.fact for edit in edits(workload) if crash.since and edit.at and edit.at <= crash.since][:1]
    if edited:
        words += f" {edited[0].text}."
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {crash.words}. {words}",
        verdict=verdict,
        supporting=(*crash.facts, *_unchanged(workload, crash), *edited, *lone),
        remedies=tuple(remedies),
        places={"pod": crash.container.pod.name, "container": crash.container.name},
    )


def _unchanged(workload: Workload, crash: Crash) -> list[Fact]:
    change = workload.change
    if not workload.is_history_seen:
        return []
    since = crash.since.strftime("%Y-%m-%dT%H:%M:%SZ") if crash.since else "an unknown time"
    if change is None:
        text = f"crashes since {since}; no change of the template is on record"
    elif not change.real:
        text = f"crashes since {since}; revision {change.new.number} only carries a restart's mark"
    else:
        at = change.at.strftime("%Y-%m-%dT%H:%M:%SZ") if change.at else "an unknown time"
        text = f"crashes since {since}, the template is unchanged since {at}"
    return [facts.change(workload.object, "spec.template", text, change.at if change else None)]


def _lone_pod(workload: Workload, crash: Crash) -> list[Fact]:
    """That exactly one pod of several crashes and a new one would be made in its place.

    Where the others ended as well since it began and run again, it is on the same way, only later.
    """
    crashing = {container.pod.name for container in workload.crashing}
    ready = [pod for pod in workload.pods if is_ready(pod) and pod.name not in crashing]
    if workload.object.kind not in _STATELESS or len(crashing) != 1 or not ready:
        return []
    if len(ready) + 1 != len(workload.pods) or _ended_too(workload, crash):
        return []
    text = f"{len(ready)} of {len(workload.pods)} pods of the same revision are ready"
    return [facts.field(workload.object, "status.readyReplicas", text)]


def _ended_too(workload: Workload, crash: Crash) -> bool:
    since = crash.since - _TOGETHER if crash.since else None
    others = [entry.ended for entry in workload.containers if entry.pod.name != crash.container.pod.name]
    ended = [entry for entry in others if entry is not None and entry.integer("exitCode")]
    return any(since is None or (at := entry.time("finishedAt")) is None or at >= since for entry in ended)


CAUSE = Cause(
    id=CauseId("crash_without_change"),
    title="Containers fail although the template did not change",
    faults=(44, 56, 83, 96, 97),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "crash_after_change": "the crashes began with a change of the template",
        "memory_limit_too_low": "the last run ended with the reason OOMKilled",
    },
    know="Look outside the template: at an edited ConfigMap or Secret, a dependency, data, a certificate.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} get events --sort-by=.lastTimestamp",
    ),
    is_symptom=True,
    workload=examine,
)
