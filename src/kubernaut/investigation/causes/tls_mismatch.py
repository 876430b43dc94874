"""One side of a connection speaks TLS and the other does not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.crashes import crash_of
from kubernaut.investigation.dependencies import called
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate, way_back
from kubernaut.investigation.subjects import Workload

_SOON = timedelta(minutes=15)
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
    found = complained(workload, _READING)
    if found is None or found.verdict is not Verdict.ESCALATE:
        return found
    return next((told for server in called(workload) if (told := _changed(workload, server, found))), found)


def _changed(workload: Workload, server: Workload, found: Finding) -> Finding | None:
    """The finding about the server whose change came just before, where the client itself was not changed.

    Whether encryption is to be demanded is a decision about security: the way back is asked for.
    """
    crash, change = crash_of(workload), server.change
    if crash is None or crash.since is None or change is None or change.at is None or not change.real:
        return None
    if not timedelta(0) <= crash.since - change.at <= _SOON:
        return None
    back, told = way_back(server, lambda _: True, verdict=Verdict.APPROVE), server.change_fact()
    return replace(
        found,
        target=server.ref,
        summary=f"{found.summary.removesuffix(_READING.otherwise)}{server.title} was changed just before. {back.words}",
        verdict=back.verdict,
        supporting=(*found.supporting, *((told,) if told else ()), *back.facts),
        remedies=(*back.remedies, escalate(server.ref)) if back.verdict is Verdict.APPROVE else back.remedies,
    )


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
