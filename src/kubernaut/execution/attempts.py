"""Whether an attempt may be made: what is told of it already, and whose its target is."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.execution import Execution, Intent, Refused
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import ObjectRef
from kubernaut.domain.plans import lease_name
from kubernaut.engine.codec import load
from kubernaut.ports import IncidentStore, Leases


async def told_of(store: IncidentStore, incident: Incident, attempt: int, *kinds: EventKind) -> Execution | None:
    """How the attempt ended, by an event of those kinds; None where none tells of it.

    A step that is repeated asks this first: by then the cluster may have been changed again by somebody else.
    """
    for event in await store.events(incident.id, kinds=kinds):
        if event.key == f"{event.kind}-{attempt}":
            return load(Execution, event.body["execution"])
    return None


async def intent_of(store: IncidentStore, incident: Incident, attempt: int) -> Intent | None:
    """What the attempt was told to be going to do: its way back is looked for by the marks that stand in there."""
    for event in await store.events(incident.id, kinds=(EventKind.INTENDED,)):
        if event.key == f"{event.kind}-{attempt}":
            return load(Intent, event.body["intent"])
    return None


async def busy_with(leases: Leases, incident: Incident, target: ObjectRef, busy_for: timedelta) -> Refused | None:
    """Refuses where another incident has the target; from now on it is this one's otherwise."""
    if await leases.acquire(lease_name(target), incident.id, duration=busy_for):
        return None
    return Refused("resource_busy", f"another incident is acting on {target}")
