"""Whether people were called about this very cause on this very object, and it has lasted since."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from kubernaut.domain.diagnosis import CauseId, Hypothesis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Ending
from kubernaut.planning.policy.facts import no_severer_than
from kubernaut.ports import IncidentFilter, IncidentStore

ALREADY_TOLD: Final = "already_told"
# Alertmanager repeats a notification after four hours by default; so long nobody needs to hear it from us again.
_TOLD_FOR: Final = timedelta(hours=4)
# Two things that nobody can explain are not known to be one.
_UNEXPLAINED: Final = CauseId("unknown")
_MOST: Final = 20


async def told_before(incidents: IncidentStore, incident: Incident, best: Hypothesis, now: datetime) -> Incident | None:
    """The incident that handed the same cause on the same object to people, while its alert has fired ever since.

    An alert of a higher severity calls again, and so does one after the former was resolved.
    """
    if best.cause == _UNEXPLAINED:
        return None
    wanted = IncidentFilter(
        ending=Ending.ESCALATED,
        cause=best.cause,
        namespace=incident.target.namespace,
        since=now - _TOLD_FOR,
        limit=_MOST,
    )
    for other in await incidents.find(wanted):
        same = other.id != incident.id and other.target == incident.target
        if same and incident.severity in no_severer_than(other.severity) and await incidents.still_firing(other.id):
            return other
    return None
