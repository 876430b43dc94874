"""Names that a failing container cannot resolve, as its log tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubernaut.investigation.complaints import Complaint, complaints, unready
from kubernaut.investigation.condition import is_under_way
from kubernaut.investigation.crashes import crashed
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(
    r"(?i)no such host|name or service not known|temporary failure in name resolution|getaddrinfo|ENOTFOUND|EAI_AGAIN"
    r"|could not resolve|cannot resolve|server misbehaving|UnknownHostException|NXDOMAIN|nodename nor servname"
    r"|bad address ['\"]|name does not resolve|could not translate host name|failed to resolve"
)
# The name server answered; these say that it did not.
_NO_ANSWER = re.compile(r"(?i)temporary failure|EAI_AGAIN|server misbehaving|timed? ?out|SERVFAIL|refused")
_HOST = re.compile(
    r"(?i)lookup ([\w.-]+)(?: on|:)|(?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)|resolve (?:host(?:name)?:? )?['\"]?([\w.-]+)"
    r"|UnknownHostException: ([\w.-]+)|bad address ['\"]([\w.-]+)|host(?: ?name)? ['\"]([\w.-]+)['\"]|(?:://|@)([\w.-]+)[:/]"
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A host that was not found, and who complains."""

    host: str
    complaint: Complaint

    @property
    def is_denied(self) -> bool:
        """Whether a name server said that there is no such name."""
        return _NO_ANSWER.search(self.complaint.text) is None

    def service(self, namespace: str) -> str:
        """The Service of the namespace that the host would be; empty for a host elsewhere."""
        name, _, rest = self.host.rstrip(".").partition(".")
        if not rest or rest == namespace or rest.startswith((f"{namespace}.svc", "svc.")):
            return name
        return ""


def failed_lookup(workload: Workload) -> Lookup | None:
    """The first name that a failing container could not resolve."""
    among = [*crashed(workload), *([] if is_under_way(workload) else unready(workload))]
    for complaint in complaints(workload, _FORM, among):
        match = _HOST.search(complaint.text)
        host = next((part for part in match.groups() if part), "") if match else ""
        if host:
            return Lookup(host, complaint)
    return None
