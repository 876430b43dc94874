"""How much of what serves people a change touches, in words."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.domain.objects import KubeObject
from kubernaut.domain.workloads import is_ready

_MOST_NAMED = 3


def share_of_services(pod: KubeObject, services: Sequence[KubeObject], pods: Sequence[KubeObject]) -> str:
    """Such as `1 of 3 ready pods of Service checkout (33 % of its capacity)`."""
    found = []
    for service in services:
        selector = service.mapping("spec", "selector")
        if not selector or not selector.items() <= pod.labels.items():
            continue
        ready = [each for each in pods if selector.items() <= each.labels.items() and is_ready(each)]
        mine = any(each.uid == pod.uid for each in ready)
        share = round(100 * mine / len(ready)) if ready else 0
        found.append(f"{int(mine)} of {len(ready)} ready pods of Service {service.name} ({share} % of its capacity)")
    more = len(found) - _MOST_NAMED
    return ", ".join(found[:_MOST_NAMED] + ([f"{more} more Services"] if more > 0 else [])) or "no Service selects it"
