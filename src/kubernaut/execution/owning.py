"""Who would put back what an action is about to change: the one place where that is decided."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.errors import Forbidden, InputError
from kubernaut.domain.execution import Refused
from kubernaut.domain.journal import Event
from kubernaut.domain.objects import Tree
from kubernaut.domain.ownership import AUTOSCALER, Claim, Keeper, is_owned_in_part
from kubernaut.domain.sources import PROPOSE
from kubernaut.execution.catalogue import AnyAction
from kubernaut.execution.preconditions import AUTOSCALED
from kubernaut.execution.previewing import ExecutionPorts


async def claim_on_call(ports: ExecutionPorts, call: ActionCall, rewriters: frozenset[str]) -> Claim | None:
    """The first claim on a field that the call would change as the cluster is now; None where there is none.

    Where the action refuses, may not read what it needs, or does not take the call, there is nothing to put back, and
    it says so itself when it is asked to act.
    """
    try:
        return await _claim(ports, call, rewriters)
    except (Forbidden, InputError):
        return None


async def _claim(ports: ExecutionPorts, call: ActionCall, rewriters: frozenset[str]) -> Claim | None:
    action = ports.catalogue[call.action]
    if call.action == PROPOSE or not action.changes:
        return None
    item = await ports.reader.get(call.target)
    if item is None or not (_scales(action) or is_owned_in_part(item, rewriters)):
        # Most objects are nobody's, and what the action would change need not be worked out.
        return None
    prepared = await action.prepared(ports.reader, call, ports.clock.now())
    if not isinstance(prepared, Refused):
        return prepared.claim(rewriters)
    if prepared.guard != AUTOSCALED:
        return None
    return Claim(Keeper(AUTOSCALER, "", "scaleTargetRef"), ".spec.replicas", "kube-controller-manager", "Update")


def rewriters_in(events: Sequence[Event]) -> frozenset[str]:
    """The managers that were seen to write again what a remedy had changed."""
    return frozenset(name for event in events if (name := Tree(event.body).text("rewritten_by")))


def _scales(action: AnyAction) -> bool:
    return any(rule.resource.endswith("/scale") for rule in action.writes)
