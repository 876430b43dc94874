"""A server refuses the credentials of a container."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

FORM = re.compile(
    r"(?i)access denied for user|password authentication failed|authentication (?:fail(?:ed|ure)|required)"
    r"|authenticationfailed"
    r"|invalid (?:user ?name|password|credentials|api key)|\bNOAUTH\b|\bWRONGPASS\b|ERR invalid password"
    r"|not authorized (?:on|to execute)|SASL (?:auth\w* )?(?:error|fail\w*)|login failed for user|bad credentials"
    r"|role \"[^\"]*\" does not exist|user \"?[\w.-]+\"? (?:does not exist|not found)|could not authenticate"
)
_READING = Reading(
    form=FORM,
    words="{0} is refused by a server it logs in to ({1})",
    otherwise=(
        "The template did not change: the password, the user or its rights changed, here in a Secret or at the server."
    ),
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container is refused by a server: credentials are for people."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("credentials_refused"),
    title="A server refuses the credentials of a container",
    faults=(
        94,
        96,
        98,
    ),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "stale_secret": "the Secret was changed after the container started: it holds the old value",
        "api_forbidden": "the Kubernetes API refuses, not an application",
        "tls_mismatch": "the connection is refused before anybody logs in",
    },
    know="Never make up credentials: compare the Secret with what the server expects, and who changed either last.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} get secrets --sort-by=.metadata.creationTimestamp",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    is_symptom=True,
    workload=examine,
)
