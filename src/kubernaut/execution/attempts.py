"""What the events of an incident tell of one of its attempts."""

from __future__ import annotations

from kubernaut.domain.execution import Execution
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.engine.codec import load
from kubernaut.ports import IncidentStore


async def told_of(store: IncidentStore, incident: Incident, attempt: int, *kinds: EventKind) -> Execution | None:
    """How the attempt ended, by an event of those kinds; None where none tells of it.

    A step that is repeated asks this first: by then the cluster may have been changed again by somebody else.
    """
    for event in await store.events(incident.id, kinds=kinds):
        if event.key == f"{event.kind}-{attempt}":
            return load(Execution, event.body["execution"])
    return None
