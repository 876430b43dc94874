"""Like incidents of the past.

No threshold of likeness tells the same fault from another (measured: the same one from 0.31 up, others up to 0.55).
So likeness only ranks, and what it brings up counts when something else confirms it: the same cause, or, while no
cause is known, the same family of alert and kind.
"""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Diagnosis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.learning.describing import describe, family
from kubernaut.ports import Embedder, PatternFilter, PatternStore

UNKNOWN = CauseId("unknown")
# More are fetched than wanted, because most of the nearest may fail the confirmation while no cause is known.
_FETCHED_PER_WANTED = 10


async def recall(
    incident: Incident, diagnosis: Diagnosis | None, *, embedder: Embedder, patterns: PatternStore, limit: int = 5
) -> list[Recalled]:
    """Confirmed like incidents, most alike first, never the incident itself."""
    if not await patterns.newest(limit=1):
        return []  # a vector takes longer to make than all else, and to count a hundred thousand takes long too
    (vector,) = await embedder.embed([describe(incident, diagnosis)])
    best = diagnosis.best if diagnosis else None
    where = PatternFilter(cause=best.cause) if best and best.cause != UNKNOWN else PatternFilter()
    fetched = limit * _FETCHED_PER_WANTED
    nearest = await patterns.nearest(vector, embedder=embedder.name, limit=fetched, where=where)
    return [found for found in nearest if is_confirmed(found.pattern, incident, diagnosis)][:limit]


def is_confirmed(pattern: Pattern, incident: Incident, diagnosis: Diagnosis | None) -> bool:
    """Whether the pattern is of the same fault by more than the likeness of words."""
    if pattern.id == incident.id:
        return False
    best = diagnosis.best if diagnosis else None
    if best and best.cause != UNKNOWN:
        return pattern.cause == best.cause
    return pattern.text.partition("\n")[0] == family(incident)
