"""What planning is bounded by beside the labels: the policy, the state of the cluster, and what was spent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from kubernaut.domain.diagnosis import ActionId
from kubernaut.planning.budgeting import Ledger
from kubernaut.planning.policy.book import PolicyBook
from kubernaut.planning.surroundings import Surroundings
from kubernaut.planning.surveying import Nature
from kubernaut.ports import Clock, ClusterReader, IncidentStore, Meter


@dataclass(frozen=True, slots=True)
class Guardrails:
    """`natures` is what each action is like; `turn` lets one decision at a time look at the budgets and spend."""

    book: PolicyBook
    surroundings: Surroundings
    ledger: Ledger
    meter: Meter
    natures: Mapping[ActionId, Nature]
    cluster: str
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def guardrails(  # a port each
    reader: ClusterReader,
    incidents: IncidentStore,
    clock: Clock,
    meter: Meter,
    *,
    book: PolicyBook | None = None,
    natures: Mapping[ActionId, Nature] | None = None,
    cluster: str = "default",
) -> Guardrails:
    """The guardrails on the given ports, with the built-in policy where no other is given."""
    around = Surroundings(reader, incidents, clock)
    return Guardrails(book or PolicyBook(), around, Ledger(incidents), meter, natures or {}, cluster)
