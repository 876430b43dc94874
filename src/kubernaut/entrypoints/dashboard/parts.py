"""What the pages need from the rest of the program."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from kubernaut.entrypoints.dashboard.books import Books
from kubernaut.entrypoints.dashboard.health import HealthSources
from kubernaut.entrypoints.dashboard.patterns import Memory
from kubernaut.entrypoints.http.operations import Operations
from kubernaut.ports import Clock, IncidentStore, Switch


@dataclass(frozen=True, slots=True)
class DashboardParts:
    """What the pages need. `approval` is how long a request for consent waits; `simulated` puts that word on figures.

    `closing` ends open streams, which a server would otherwise wait for. Whoever hands in `books` runs their `work`.
    """

    incidents: IncidentStore
    switch: Switch
    operations: Operations
    clock: Clock
    cluster: str
    approval: timedelta
    books: Books
    health: HealthSources
    memory: Memory | None = None
    token: str | None = None
    loopback_only: bool = False
    simulated: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)
