"""The counts that many pages share, and the task that keeps them up to date."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from kubernaut.entrypoints.dashboard.tally import Tally
from kubernaut.entrypoints.dashboard.value import Appraisal
from kubernaut.impact.inputs import ValueInputs
from kubernaut.ports import Clock, IncidentStore


@dataclass(frozen=True, slots=True)
class Books:
    """Pages read them and never wait for them."""

    tally: Tally
    appraisal: Appraisal

    async def work(self) -> None:
        """Counts what pages ask for, until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.tally.work())
            group.create_task(self.appraisal.work())


def open_books(incidents: IncidentStore, clock: Clock, inputs: ValueInputs | None = None) -> Books:
    """Books in which nothing is counted yet."""
    tally = Tally(incidents)
    return Books(tally, Appraisal(incidents, tally, clock, inputs or ValueInputs()))
