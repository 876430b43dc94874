"""An init container fails, so the containers after it never start."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.containers import INIT
from kubernaut.investigation.crashes import crash_in, crashed
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_LOOP = "CrashLoopBackOff"


def examine(workload: Workload) -> Finding | None:
    """The finding when a crashing container is an init container, and none of the exact causes is needed for it."""
    failing = [entry for entry in crashed(workload) if entry.role == INIT and (entry.ended or entry.waiting == _LOOP)]
    if not failing:
        return None
    container = max(failing, key=lambda entry: (entry.restarts, entry.pod.name))
    names = [name for entry in container.pod.trees("spec", "containers") if (name := entry.text("name"))]
    waiting = ", ".join(names) or "the containers after it"
    ends = "fails again and again" if container.exit_code is None else f"ends with code {container.exit_code}"
    text = f"{container.label} {ends}; {waiting} wait for it"
    crash = crash_in(workload, container)
    story = Story(
        words=f"{crash.words}, so {waiting} never start",
        otherwise="The template did not change: what the init container works on or waits for did.",
        proofs=(facts.field(container.pod, f"status.{container.status_list}[{container.name}]", text),),
    )
    return told(workload, crash, story)


CAUSE = Cause(
    id=CauseId("init_container_fails"),
    title="An init container fails",
    faults=(49,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "init_container_waits": "the init container runs and does not end",
        "crash_after_change": "a main container fails",
    },
    know="Init containers run one after the other, each until it succeeds: the first that fails holds up all others.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change"),
    is_symptom=True,
    workload=examine,
)
