"""A consumer cannot read one record of its queue, and does not get past it."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.complaints import unready
from kubernaut.investigation.crashes import crashed
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload

_FAILED = re.compile(
    r"(?i)deserializ|unmarshal|cannot decode|failed to decode|(?:cannot|failed to) parse|unexpected end of|magic byte"
    r"|schema (?:not found|id)|poison"
)
_PLACE = re.compile(
    r"(?i)\b(?:offset|delivery[_ -]?tag|sequence(?:[_ -]?number)?|message[_ -]?id)\b\s*[=:#]?\s*[\"']?(?P<place>[\w-]+)"
)


_QUEUES = re.compile(r"(?i)kafka|rabbit|amqp|nats|pulsar|kinesis|sqs|topic|queue|consumer|broker")


def examine(workload: Workload) -> Finding | None:
    """The finding when a log says that the record at some place of a queue cannot be read.

    The log of a program that is well is asked for only where its settings name a queue.
    """
    well = _has_queue(workload)
    for container in workload.containers if well else (*crashed(workload), *unready(workload)):
        for line in workload.scene.log_of(container.pod, container.name, even_well=well):
            place = _PLACE.search(line.text[:4000])
            if place is None or _FAILED.search(line.text[:4000]) is None:
                continue
            state = f"it was restarted {container.restarts} times" if container.restarts else "it runs on"
            return Finding(
                target=workload.ref,
                summary=(
                    f"{workload.title}: {container.label} cannot read the record at {place['place']}, {state}: "
                    f"{quoted(line.text, 160)}."
                ),
                verdict=Verdict.ESCALATE,
                supporting=(
                    facts.log(line),
                    facts.field(container.pod, f"status.{container.status_list}[{container.name}]", state),
                ),
                remedies=(escalate(workload.ref),),
                places={"pod": container.pod.name, "container": container.name},
            )
    return None


def _has_queue(workload: Workload) -> bool:
    return any(
        _QUEUES.search(text)
        for container in workload.template.trees("spec", "containers")
        for entry in container.trees("env")
        for text in (entry.text("name"), entry.text("value")[:200])
    )


CAUSE = Cause(
    id=CauseId("record_not_readable"),
    title="A consumer does not get past a record that it cannot read",
    faults=(100,),
    needs=("Pod",),
    look_alikes={
        "crash_after_change": "it cannot read any record since its new version",
        "crash_without_change": "its log names no place in a queue",
    },
    know="To skip the record loses it: whose it is decides, and it is kept aside before.",
    by_hand=("kubectl -n {namespace} logs {pod} -c {container} --tail=100",),
    narrows=("crash_without_change", "process_ends"),
    workload=examine,
)
