"""Names that a failing container cannot resolve, as its log tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation.complaints import Complaint, complaints, failing
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(
    r"(?i)no such host|name or service not known|temporary failure in name resolution|getaddrinfo|ENOTFOUND|EAI_AGAIN"
    r"|could not resolve|cannot resolve|server misbehaving|UnknownHostException|NXDOMAIN|nodename nor servname"
    r"|bad address ['\"]|name does not resolve|could not translate host name|failed to resolve"
    r"|lookup \S+ on \S+:53: .{0,120}(?:timeout|refused)"
)
# The name server answered; these say that it did not.
_NO_ANSWER = re.compile(r"(?i)temporary failure|EAI_AGAIN|server misbehaving|time(?:d ?)?out|SERVFAIL|refused")
_SERVER = re.compile(r"lookup \S+ on (\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")
_PRIVATE = re.compile(
    r"10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\."
)
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

    @property
    def asked_abroad(self) -> str:
        """The address of the name server that answered, where that is none of a private network: not the cluster's."""
        match = _SERVER.search(self.complaint.text)
        return "" if match is None or _PRIVATE.match(match[1]) else match[1]

    def service(self, namespace: str) -> str:
        """The Service of the namespace that the host would be; empty for a host elsewhere."""
        name, _, rest = self.host.rstrip(".").partition(".")
        if not rest or rest == namespace or rest.startswith((f"{namespace}.svc", "svc.")):
            return name
        return ""


def asks_elsewhere(template: Tree) -> str:
    """By which setting its pods do not ask the cluster's DNS, empty where they do."""
    spec = template.tree("spec")
    policy = spec.text("dnsPolicy") or "ClusterFirst"
    if policy in ("None", "Default"):
        return f"dnsPolicy {policy}"
    on_host = policy == "ClusterFirst" and spec.flag("hostNetwork")
    return "hostNetwork without dnsPolicy ClusterFirstWithHostNet" if on_host else ""


def alias_of(service: KubeObject) -> tuple[str, str] | None:
    """Namespace and name of the Service that an ExternalName leads to; None where it leads out of the cluster."""
    name, *rest = service.text("spec", "externalName").rstrip(".").split(".")
    if service.text("spec", "type") != "ExternalName" or rest[1:2] != ["svc"]:
        return None
    return rest[0], name


def failed_lookup(workload: Workload) -> Lookup | None:
    """The first name that a failing container could not resolve."""
    for complaint in complaints(workload, _FORM, failing(workload)):
        match = _HOST.search(complaint.text)
        host = next((part for part in match.groups() if part), "") if match else ""
        if host:
            return Lookup(host, complaint)
    return None
