"""A certificate has expired or is not trusted."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r"(?i)certificate (?:has expired|is not yet valid|verify failed|signed by unknown authority)|x509: certificate"
        r"|self[- ]signed certificate|unable to get local issuer certificate|PKIX path (?:building|validation) failed"
        r"|tls: (?:bad|expired|unknown|revoked) certificate|CertificateExpired|CERT_HAS_EXPIRED"
    ),
    words="{0} does not trust a certificate, or is not trusted ({1})",
    otherwise=(
        "The template did not change: a certificate ran out, or was replaced by one that the other side does not know."
    ),
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container names a certificate; renewing it is for its owner."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("certificate_rejected"),
    title="A certificate has expired or is not trusted",
    faults=(86, 110),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "tls_mismatch": "one side speaks TLS, the other does not",
        "credentials_refused": "the certificate is trusted, the login is not",
    },
    know="A clock that is wrong on one node makes good certificates look expired there.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} get secrets --field-selector type=kubernetes.io/tls",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    is_symptom=True,
    workload=examine,
)
