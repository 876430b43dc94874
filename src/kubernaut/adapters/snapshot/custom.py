"""`-o custom-columns=WHAT:.path,...`: the columns under the headings that kubectl's own tables give them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_HEADINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "metadata.name": "NAME",
        "metadata.namespace": "NAMESPACE",
        "metadata.creationTimestamp": "CREATED",
        "lastTimestamp": "LAST SEEN",
        "eventTime": "LAST SEEN",
        "firstTimestamp": "FIRST SEEN",
        "count": "COUNT",
        "type": "TYPE",
        "reason": "REASON",
        "message": "MESSAGE",
        "involvedObject.kind": "KIND",
        "involvedObject.name": "NAME",
        "involvedObject.namespace": "NAMESPACE",
        "source.component": "SOURCE",
        "spec.nodeName": "NODE",
        "status.podIP": "IP",
        "status.phase": "STATUS",
        "status.containerStatuses[0].restartCount": "RESTARTS",
        "status.containerStatuses[*].restartCount": "RESTARTS",
    }
)


def custom_headings(output: str) -> dict[str, str]:
    """Each heading that the option names, and the usual one of its path; empty for another form of output."""
    form, _, spec = output.partition("=")
    if form != "custom-columns":
        return {}
    pairs = (part.partition(":") for part in spec.split(","))
    return {heading: _HEADINGS.get(path.strip("{}.$"), heading) for heading, sign, path in pairs if sign}
