"""An init container runs and does not end, so the containers after it never start."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.containers import INIT, Container
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_container, origin
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload

_LONG = timedelta(minutes=10)
# From here on a pod is no longer taken to be merely starting.
_OVERDUE = timedelta(minutes=5)
_HOST = re.compile(
    r"(?:nslookup|getent hosts|dig|host|nc(?: -\S+)*|ping(?: -\S+)*)\s+([a-z0-9][a-z0-9.-]*)"
    r"|(?:https?|tcp|grpc|postgres(?:ql)?|mysql|redis|amqp|mongodb)://(?:[^@/\s]*@)?([a-z0-9][a-z0-9.-]*)"
    r"|\b([a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*):\d{2,5}\b"
)


def examine(workload: Workload) -> Finding | None:
    """The finding when an init container works or waits for more than five minutes.

    One that works for long, such as a migration, looks alike: going back is only sure where what it waits for is
    proven not to exist, and is not offered before ten minutes passed or the rollout ran out of time.
    """
    stuck = _stuck(workload)
    if stuck is None:
        return None
    container, ran = stuck
    gone = _waits_for_nothing(workload, container)
    source = origin(
        workload,
        of_container(container.name, "command", "args", "image", "env", "name"),
        otherwise="It is not new in this revision: what it waits for is gone or slow.",
        verdict=Verdict.ACT if gone else Verdict.APPROVE,
    )
    if not gone and ran <= _LONG and not _ran_out_of_time(workload):
        words = f"{source.words} It may still come to its end."
        source = replace(source, verdict=Verdict.ESCALATE, remedies=(escalate(workload.ref),), words=words)
    text = f"{container.label} runs for {spell(ran)} and holds up all containers after it"
    path = f"status.{container.status_list}[{container.name}].state.running"
    why = f": {gone[0].text}" if gone else ""
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {text}{why}. {source.words}",
        verdict=source.verdict,
        supporting=(
            facts.field(container.pod, path, text, container.running_since),
            *gone,
            *(facts.log(line) for line in workload.scene.log_of(container.pod, container.name)[:1]),
            *source.facts,
        ),
        remedies=source.remedies,
        places={"pod": container.pod.name, "container": container.name},
    )


def _stuck(workload: Workload) -> tuple[Container, timedelta] | None:
    for container in workload.containers:
        since = container.running_since
        if container.role != INIT or since is None:
            continue
        ran = workload.scene.now - since
        if ran > _OVERDUE:
            return container, ran
    return None


def _ran_out_of_time(workload: Workload) -> bool:
    state = workload.object.condition("Progressing")
    return state is not None and state.text("reason") == "ProgressDeadlineExceeded"


def _waits_for_nothing(workload: Workload, container: Container) -> list[Fact]:
    """The hosts in its command that would be Services of the namespace, and are none."""
    scene, place = workload.scene, workload.object.namespace
    text = " ".join([*container.spec.texts("command"), *container.spec.texts("args")])[:4000]
    found = {}
    for match in _HOST.finditer(text):
        host = next(part for part in match.groups() if part)
        name, _, rest = host.partition(".")
        if rest and rest.split(".")[0] != place:
            continue
        if scene.get("Service", place, name) is None and scene.covers("Service", place, name):
            words = f"it waits for {host}, and there is no Service {name} in {place}"
            found[name] = facts.absence(container.pod, f"service/{name}", words)
    return list(found.values())[:2]


CAUSE = Cause(
    id=CauseId("init_container_waits"),
    title="An init container runs and does not end",
    faults=(48, 67),
    needs=("Pod", "ReplicaSet", "Service"),
    look_alikes={
        "init_container_fails": "the init container ends with an error",
        "rollout_in_progress": "it has run for less than five minutes",
    },
    know="A migration can take long for good reasons: look at its log before it is interrupted.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container}",
        "kubectl -n {namespace} get services",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    is_symptom=True,
    workload=examine,
)
