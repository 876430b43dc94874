"""One side of a connection speaks TLS and the other does not."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r"(?i)requireTLS|(?:SSL|TLS)(?:/TLS)? (?:is )?required|must use (?:SSL|TLS)"
        r"|no pg_hba\.conf entry.*(?:no encryption|SSL off)"
        r"|insecure transport are prohibited|HTTP request to an HTTPS server"
        r"|first record does not look like a TLS handshake"
        r"|wrong version number|server gave HTTP response to HTTPS client|SSL connection (?:is )?required"
    ),
    words="{0} and a server do not agree whether to use TLS ({1})",
    otherwise="The template did not change: the server demands, or no longer offers, TLS.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container meets a server that wants, or does not speak, TLS."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("tls_mismatch"),
    title="One side of a connection speaks TLS and the other does not",
    faults=(95,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "certificate_rejected": "both speak TLS, and a certificate is refused",
        "readiness_probe_wrong": "only the probe speaks the wrong protocol",
    },
    know="The setting may sit at the server: look at what changed there when the errors began.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} rollout history {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    is_symptom=True,
    workload=examine,
)
