"""Which remedy comes first, and when one that is not proven is tried."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.leases import MemoryLeases
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.plans import Candidate, Standing
from kubernaut.planning.exploring import ExplorationBudget
from kubernaut.planning.ranking import rank, unproven
from tests.told import CHECKOUT, NOON

FIRST, SECOND, THIRD = (ActionId(name) for name in ("restart_pod", "rollback_deployment", "scale_workload"))
CANDIDATES = [Candidate(ActionCall(action, CHECKOUT, {}), 0, 0, 0.0) for action in (FIRST, SECOND, THIRD)]


def order(records: dict[ActionId, Standing], risks: dict[ActionId, int] | None = None) -> list[str]:
    ranked = rank(CANDIDATES, record=lambda one: records.get(one.call.action, Standing()), risks=risks or {})
    return [candidate.call.action for candidate in ranked]


def test_without_records_the_order_of_the_cause_stands() -> None:
    assert order({}) == [FIRST, SECOND, THIRD]


def test_the_better_proven_remedy_comes_first() -> None:
    assert order({FIRST: Standing(4, 9, 0.2), SECOND: Standing(9, 9, 0.8)}) == [SECOND, FIRST, THIRD]


def test_a_remedy_with_few_trials_keeps_the_place_that_the_cause_gave_it() -> None:
    assert order({FIRST: Standing(0, 4, 0.0), SECOND: Standing(9, 9, 0.8)}) == [FIRST, SECOND, THIRD]


def test_of_equally_proven_remedies_the_one_with_the_smaller_reach_comes_first() -> None:
    records = {FIRST: Standing(9, 9, 0.81), SECOND: Standing(9, 9, 0.80)}
    assert order(records, {FIRST: 3, SECOND: 1}) == [SECOND, FIRST, THIRD]


def test_a_smaller_reach_does_not_make_up_for_a_worse_record() -> None:
    records = {FIRST: Standing(9, 9, 0.8), SECOND: Standing(5, 9, 0.3)}
    assert order(records, {FIRST: 3, SECOND: 0}) == [FIRST, SECOND, THIRD]


def test_of_equal_remedies_the_cheaper_one_in_time_comes_first() -> None:
    records = {FIRST: Standing(9, 9, 0.8, 300.0), SECOND: Standing(9, 9, 0.8, 40.0), THIRD: Standing(9, 9, 0.8)}
    assert order(records) == [SECOND, FIRST, THIRD]


def test_only_behind_a_proven_remedy_is_there_something_to_explore() -> None:
    def other(records: dict[ActionId, Standing]) -> str | None:
        found = unproven(rank(CANDIDATES, record=lambda one: records.get(one.call.action, Standing())))
        return found and found.call.action

    assert other({}) is None
    assert other({FIRST: Standing(9, 9, 0.8)}) == SECOND
    assert other(dict.fromkeys((FIRST, SECOND, THIRD), Standing(9, 9, 0.8))) is None
    assert unproven([]) is None


@pytest.mark.parametrize(("budget", "allowed"), [(0, 0), (1, 1), (3, 3)])
async def test_no_more_incidents_explore_in_a_day_than_the_budget_says(budget: int, allowed: int) -> None:
    leases, day = MemoryLeases(ManualClock(NOON)), ExplorationBudget(budget)
    taken = [await day.take(leases, IncidentId(f"inc-{number}")) for number in range(6)]
    assert sum(taken) == allowed


async def test_the_budget_is_whole_again_the_day_after() -> None:
    clock = ManualClock(NOON)
    leases, day = MemoryLeases(clock), ExplorationBudget(1)
    assert await day.take(leases, IncidentId("inc-1"))
    await clock.advance(timedelta(hours=25))
    assert await day.take(leases, IncidentId("inc-2"))


async def test_a_step_that_is_repeated_explores_again_and_takes_no_more() -> None:
    leases, day = MemoryLeases(ManualClock(NOON)), ExplorationBudget(1)
    assert await day.take(leases, IncidentId("inc-1"))
    assert await day.take(leases, IncidentId("inc-1"))
    assert not await day.take(leases, IncidentId("inc-2"))
