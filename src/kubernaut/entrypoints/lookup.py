"""An incident by its id or by the start of it, the same on pages, in the API and on the command line."""

from __future__ import annotations

from kubernaut.domain.errors import AmbiguousId, UnknownName
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.ports import IncidentFilter, IncidentStore

_LONGEST_ID = 80
_NAMED = 5


async def incident_named(incidents: IncidentStore, start: str) -> Incident:
    """The incident of that id, or the only one whose id starts so.

    Raises `UnknownName` where there is none, and `AmbiguousId` where there are several.
    """
    found = await incidents.get(IncidentId(start))
    if found is not None:
        return found
    wanted = IncidentFilter(id_prefix=start, limit=_NAMED)
    # Databases drop what they cannot keep, and of nothing but such characters every id is the start.
    is_start = 0 < len(start) <= _LONGEST_ID and start.isprintable()
    alike = await incidents.find(wanted) if is_start else []
    if not alike:
        raise UnknownName(f'no incident "{start[:_LONGEST_ID]}"', help="kubernaut incidents list")
    if len(alike) > 1:
        several = ", ".join(incident.id for incident in alike)
        number = await incidents.count(wanted)
        raise AmbiguousId(f'"{start}" is the start of {number} incidents: {several}', help="give more of the id")
    return alike[0]
