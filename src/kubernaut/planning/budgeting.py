"""How much was done in the last hour and day, and whether the next remedy still fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Tree
from kubernaut.planning.policy.document import Budget, Effect
from kubernaut.planning.policy.facts import BlastFacts
from kubernaut.planning.policy.ruling import Ruling
from kubernaut.ports import IncidentStore

BUDGET = "budget"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Decisions and not changes, so that replicas that decide at the same moment see each other's.
_KINDS = (EventKind.PLANNED, EventKind.APPROVED, EventKind.REFUSED)


@dataclass(frozen=True, slots=True)
class Spent:
    """One decision to act."""

    at: datetime
    namespace: str
    replicas: int
    nodes: int


class Ledger:
    """Every decision to act of the last day, of all processes on the store.

    It counts from the decision on, not from the change: what is decided and not applied yet must not be spent twice.
    A remedy that was refused before it touched anything gives back what it took.
    """

    def __init__(self, incidents: IncidentStore) -> None:
        self._incidents = incidents

    async def spent(self, now: datetime, *, apart_from: tuple[IncidentId, str] | None = None) -> list[Spent]:
        """The decisions of the last day, but for that of one incident's event: it is being made again after a crash."""
        events = await self._incidents.acts_since(now - _DAY, kinds=_KINDS)
        taken: dict[IncidentId, list[Spent]] = {}
        for event in events:
            if event.kind is EventKind.REFUSED:
                if taken.get(event.incident):
                    taken[event.incident].pop()
            elif event.about and (event.incident, event.key) != apart_from:
                taken.setdefault(event.incident, []).append(_spent(event))
        return [each for all_of_one in taken.values() for each in all_of_one]


def over_budget(
    budgets: Sequence[Budget], spent: Sequence[Spent], blast: BlastFacts, *, namespace: str, now: datetime
) -> list[Ruling]:
    """The budgets that the next remedy would not fit in."""
    found = []
    for budget in budgets:
        counted = [each for each in spent if budget.per == "cluster" or each.namespace == namespace]
        reason = _exceeded(budget, counted, blast, now)
        if reason:
            where = "the cluster" if budget.per == "cluster" else namespace or "objects without a namespace"
            found.append(Ruling(BUDGET, budget.name, Effect(budget.then), f"budget {budget.name} of {where}: {reason}"))
    return found


def _exceeded(budget: Budget, counted: Sequence[Spent], blast: BlastFacts, now: datetime) -> str:
    hour = [each for each in counted if each.at > now - _HOUR]
    bounds = (
        # With the next one: a budget of none allows none.
        (budget.actions_per_hour, len(hour) + 1, "actions an hour"),
        (budget.actions_per_day, len(counted) + 1, "actions a day"),
        (budget.replicas_per_hour, sum(each.replicas for each in hour) + blast.replicas, "replicas an hour"),
        (budget.nodes_per_hour, sum(each.nodes for each in hour) + blast.nodes, "nodes an hour"),
    )
    for bound, would_be, what in bounds:
        if bound is not None and would_be > bound:
            return f"this would make {would_be} {what}, and {bound} are allowed"
    if budget.largest_share is not None and blast.share > budget.largest_share:
        return f"this touches {blast.share:.0%} of the workload, and {budget.largest_share:.0%} are allowed"
    return ""


def _spent(event: Event) -> Spent:
    blast = Tree(event.body).tree("ruling", "inputs", "blast")
    namespace = Tree(event.body).text("ruling", "inputs", "target", "namespace")
    return Spent(event.at, namespace, blast.integer("replicas"), blast.integer("nodes"))
