"""An application answers for a time, then hangs, and its liveness probe restarts it."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.crashes import crash_in
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_container
from kubernaut.investigation.probes import Answer
from kubernaut.investigation.restarts import restarted
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when the probe passed for minutes before it failed: then it is right about the application."""
    found = restarted(workload)
    if found is None or not found.passed_for_long or found.ran is None or found.name != "liveness":
        return None
    container = found.container
    limit = container.spec.text("resources", "limits", "cpu")
    starved = found.answer is Answer.SILENT and bool(limit)
    hint = f" It may be short of CPU: its limit is {limit}." if starved else ""
    text = f"{container.label} answered its liveness probe for a time: the last run lasted {spell(found.ran)}"
    told_of = facts.field(container.pod, f"{container.ended_path}.startedAt", text)
    story = Story(
        words=f"{container.label} hangs after {spell(found.ran)} and is restarted by its {found.asked}: {found.answer}",
        otherwise=f"The restart is right; what makes it hang is inside, or in what it waits for.{hint}",
        proofs=(*found.facts, told_of),
        verdict=Verdict.APPROVE,
        relevant=of_container(container.name, "image", "args", "env", "command", "resources"),
    )
    return told(workload, crash_in(workload, container), story)


CAUSE = Cause(
    id=CauseId("application_hangs"),
    title="The application hangs after a time and is restarted",
    faults=(),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "liveness_probe_wrong": "the probe never passed",
        "liveness_probe_too_strict": "the container is ended while it starts",
        "memory_limit_too_low": "the last run ended with the reason OOMKilled",
    },
    know="A dump of its threads before the next restart says more than its log: the restart takes it away.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous --tail=50",
        "kubectl -n {namespace} top pod {pod} --containers",
    ),
    narrows=("crash_after_change", "crash_without_change", "process_ends"),
    is_symptom=True,
    workload=examine,
)
