"""A liveness or startup probe gives the application less time than it takes to start."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.causes import liveness_probe_wrong
from kubernaut.investigation.crashes import crash_in
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Relevant, of_container
from kubernaut.investigation.probes import Answer
from kubernaut.investigation.restarts import Restarted, restarted
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference

_STARTING = frozenset({Answer.REFUSED, Answer.SILENT, Answer.NOT_READY})
# A start that takes longer than this is a fault of its own, whatever the probe.
_SHORT = timedelta(minutes=2)


def examine(workload: Workload) -> Finding | None:
    """The finding when the container is ended while it still starts: nothing answers yet, and time was short."""
    found = restarted(workload)
    if found is None or not found.never_passed or found.answer not in _STARTING:
        return None
    relevant = _of_its_patience(found)
    brought = workload.change is not None and any(relevant(part) for part in workload.change.real)
    if liveness_probe_wrong.examine(workload) or (
        not brought and (found.patience > _SHORT or _is_another(workload, found))
    ):
        return None
    path = f"spec.containers[{found.container.name}].{found.name}Probe"
    text = f"the {found.name} probe ends the container {spell(found.patience)} after its start"
    if not found.container.spec.has("startupProbe"):
        text += "; it has no startup probe"
    story = Story(
        words=(
            f"{found.container.label} is restarted by its {found.asked} before it has started: it is given "
            f"{spell(found.patience)}, and {found.answer} yet"
        ),
        otherwise="The probe did not change: the application starts more slowly than before, or not at all.",
        proofs=(*found.facts, facts.field(found.container.pod, path, text)),
        relevant=relevant,
    )
    return told(workload, crash_in(workload, found.container), story)


def _is_another(workload: Workload, found: Restarted) -> bool:
    """Whether the program is another one since, which says that it is not ready: the probe served its predecessor."""
    if found.answer is not Answer.NOT_READY or workload.change is None:
        return False
    new = of_container(found.container.name, "image", "command", "args", "env")
    return any(new(part) for part in workload.change.real)


def _of_its_patience(found: Restarted) -> Relevant:
    def relevant(part: Difference) -> bool:
        timed = part.touches("livenessProbe", "startupProbe") or part.path.endswith("terminationGracePeriodSeconds")
        return timed and (part.is_in(found.container.name) or part.path.startswith("terminationGrace"))

    return relevant


CAUSE = Cause(
    id=CauseId("liveness_probe_too_strict"),
    title="A probe ends the application before it has started",
    faults=(60,),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "liveness_probe_wrong": "the probe asks a port, path or protocol that is not served at all",
        "application_hangs": "the application had started, and answered for a time",
        "memory_limit_too_low": "the last run ended with the reason OOMKilled",
    },
    know="A startup probe gives time to start without making the liveness probe slow afterwards.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} logs {pod} -c {container} --previous --timestamps",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change", "process_ends"),
    workload=examine,
)
