"""Trying a remedy that is not proven yet, within a declared budget a day.

The budget is kept as leases of a day, one for each exploration: what is shared by all processes already, is taken once
even by two at a time, and survives a crash. An incident whose step is repeated takes its own again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kubernaut.domain.incidents import IncidentId
from kubernaut.ports import Leases

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ExplorationBudget:
    """At most `per_day` explorations in any 24 hours; none by default."""

    per_day: int = 0

    async def take(self, leases: Leases, incident: IncidentId) -> bool:
        """Whether the incident may explore; once it may, one exploration of the day is used up."""
        for number in range(self.per_day):
            if await leases.acquire(f"exploration:{number}", incident, duration=_DAY):
                return True
        return False
