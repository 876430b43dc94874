"""Stored incidents decided upon again with other strategies: what is known is told, and nothing is filled in."""

from __future__ import annotations

from dataclasses import replace

from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import EventKind
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.backtests import Backtest, run_backtest
from kubernaut.entrypoints.otherwise import OtherStrategies
from kubernaut.execution.catalogue import discover
from kubernaut.planning.policy.reading import read_policy
from kubernaut.planning.policy.ruling import BUILT_IN, Policy
from kubernaut.planning.replaying import What
from kubernaut.planning.strategies.reading import StrategyText, read_strategies
from kubernaut.strategy_wiring import known_names
from tests.planning_desk import PlanningDesk
from tests.told import Teller, an_intent
from tests.unit.entrypoints.test_backtests import MONTH, a_day

CATALOGUE = discover()
RESTART_FIRST = """
apiVersion: kubernaut.ai/v1
kind: RemediationStrategy
metadata: {name: restart-first}
spec:
  causes: [crash_after_change]
  steps: [{action: restart_workload}]
"""
ONLY_SMALL = RESTART_FIRST.replace("steps:", 'when: target.kind == "Deployment" && target.replicas < 9\n  steps:')
OF_ANOTHER_CAUSE = RESTART_FIRST.replace("crash_after_change", "image_not_found")


async def tried(desk: PlanningDesk, text: str, law: Policy = BUILT_IN) -> Backtest:
    known = known_names(CATALOGUE)
    strategies = read_strategies([StrategyText("s.yaml", text)], known) if text else ()
    other = OtherStrategies(strategies, known, CATALOGUE)
    return await run_backtest(desk.store, MONTH, What(law), otherwise=other.instead, tried="s.yaml")


async def test_a_strategy_that_would_have_come_first_is_told_with_its_name() -> None:
    desk = PlanningDesk()
    await a_day(desk, 1)

    found = await tried(desk, RESTART_FIRST)

    assert found.changes == (("act rollback_deployment", "act restart_workload (restart-first)", 1),)
    assert found.differing[0].effect == "healed"


async def test_what_a_strategy_would_do_is_held_against_the_policy() -> None:
    desk = PlanningDesk()
    await a_day(desk, 1)
    careful = """version: 1
rules: [{name: no-restarts, when: 'action.id == "restart_workload"', then: ask, reason: it is slow}]
"""

    found = await tried(desk, RESTART_FIRST, read_policy(careful, source="p.yaml"))

    # What needs no consent is taken before what does.
    assert {str(one.new) for one in found.differing} <= {"ask restart_workload (restart-first)"}
    assert found.same + len(found.differing) == 1


async def test_strategies_for_other_causes_and_none_at_all_change_nothing() -> None:
    desk = PlanningDesk()
    await a_day(desk, 2)

    for text in ("", OF_ANOTHER_CAUSE):
        found = await tried(desk, text)
        assert (found.same, found.differing, found.unknown) == (2, (), ())


async def test_a_strategy_that_looks_at_an_object_that_was_not_stored_is_not_known() -> None:
    desk = PlanningDesk()
    await a_day(desk, 1)

    found = await tried(desk, ONLY_SMALL)

    assert (found.same, found.differing) == (0, ())
    assert "stored only where an action was taken" in found.reasons[0][0]


async def test_it_is_known_where_the_object_was_stored_before_the_action() -> None:
    desk = PlanningDesk()
    await acted(desk, replicas=3)
    await acted(desk, replicas=12)

    found = await tried(desk, ONLY_SMALL)

    assert [str(one.new) for one in found.differing] == ["act restart_workload (restart-first)"]
    assert found.same == 1


async def test_what_is_offered_after_a_first_try_is_not_known() -> None:
    desk = PlanningDesk()
    teller = await acted(desk, replicas=3)
    [planned] = await desk.store.events(teller.id, kinds=(EventKind.PLANNED,))
    await desk.store.append(replace(planned, key="planned-2"))

    found = await tried(desk, OF_ANOTHER_CAUSE)

    assert (found.same, len(found.unknown)) == (1, 1)
    assert "after a first try" in found.reasons[0][0]


async def acted(desk: PlanningDesk, *, replicas: int) -> Teller:
    """An incident whose object was stored with its intent."""
    teller = await desk.open(alert=f"Alert{replicas}")
    await desk.plan(teller)
    item = {"kind": "Deployment", "metadata": {"name": "checkout"}, "spec": {"replicas": replicas}}
    await teller.add(EventKind.INTENDED, {"intent": {**_dumped(), "snapshot": item}})  # type: ignore[dict-item]
    await teller.verify(Effect.HEALED)
    return teller


def _dumped() -> dict[str, object]:
    found = dump(an_intent())
    assert isinstance(found, dict)
    return {**found}
