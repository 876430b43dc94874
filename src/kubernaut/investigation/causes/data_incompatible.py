"""A program does not understand the data that another version of it left."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r"(?i)database files are incompatible|was initialized by PostgreSQL version|UPGRADE PROBLEM"
        r"|(?:invalid )?featureCompatibilityVersion"
        r"|cannot (?:down|up)grade from|invalid (?:\w+ ){0,3}(?:down|up)grade"
        r"|downgrad(?:e|ing) (?:is |from [^ ]+ )?(?:to [^ ]+ )?(?:is )?(?:not|un)"
        r"|unsupported (?:data|storage|file|index|on-disk) (?:version|format)"
        r"|incompatible (?:data|storage|file|on-disk|index)"
        r"|written by a (?:newer|later|more recent) version|(?:newer|later) version of the (?:data|schema|format)"
    ),
    words="{0} does not understand its data ({1})",
    otherwise="The template did not change: the data did, or was restored from another version.",
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when data and program do not fit; going back may harm the data, so people are asked."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("data_incompatible"),
    title="A program does not understand the data that another version of it left",
    faults=(65,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "crash_after_change": "the program fails whatever its data",
        "filesystem_denied": "the data cannot be read at all",
    },
    know="Save the data first: a newer version may have converted it already, and the former one cannot read that.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} rollout history {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    workload=examine,
)
