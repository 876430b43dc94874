"""What a plan takes of the declared strategies."""

from __future__ import annotations

from dataclasses import replace

from kubernaut.domain.diagnosis import CHANGE_SETTLES, ActionId, CauseId
from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.plans import Candidate, Decision, Outcome, Standing, Trial
from kubernaut.execution.catalogue import discover
from kubernaut.learning.effectiveness import TrackRecord
from kubernaut.planning.strategies.book import StrategyBook
from kubernaut.strategy_wiring import known_names
from tests.planning_desk import PlanningDesk, told
from tests.strategies import WrittenStrategies, a_strategy
from tests.told import CHECKOUT, NOON, ROLLBACK, a_diagnosis

KNOWN = known_names(discover())
TWO = a_strategy("{action: restart_workload}\n{action: rollback_deployment}")


def desk(text: str, policy: str = "", *, autonomy: str = "auto") -> PlanningDesk:
    found = PlanningDesk(policy, autonomy=autonomy)
    found.planning = replace(found.planning, strategies=StrategyBook(KNOWN, [WrittenStrategies(text)]))
    return found


def named(candidate: Candidate | None) -> tuple[str, str]:
    assert candidate is not None
    return (candidate.course.strategy if candidate.course else "", candidate.call.action)


async def test_a_declared_strategy_comes_before_what_the_cause_recommends() -> None:
    plan = await desk(TWO).plan()
    assert named(plan.chosen) == ("s", "restart_workload")
    assert [named(each) for each in plan.alternatives] == [("", "rollback_deployment")]


async def test_a_step_has_the_parameters_of_the_cause_where_it_names_none() -> None:
    plan = await desk(a_strategy("{action: rollback_deployment}")).plan()
    assert plan.chosen is not None
    assert (plan.chosen.call, plan.chosen.course is not None) == (ROLLBACK, True)


async def test_labels_and_policy_look_at_a_strategy_s_step_as_at_any_remedy() -> None:
    assert told(await desk(TWO, autonomy="approve").plan()) == (Decision.ASK, "autonomy_approve")
    assert told(await desk(TWO, autonomy="observe").plan()) == (Decision.CLOSE, "autonomy_observe")
    deny = "rules: [{name: never, when: 'action.id == \"restart_workload\"', then: deny}]"
    plan = await desk(TWO, deny).plan()
    assert named(plan.chosen) == ("", "rollback_deployment")


async def test_no_strategy_makes_a_remedy_where_the_cause_has_none_that_is_safe() -> None:
    found = a_diagnosis()
    bare = replace(found, hypotheses=(replace(found.hypotheses[0], remedies=()),))
    table = desk(TWO)
    await table.clock.advance(2 * CHANGE_SETTLES)
    assert told(await table.plan(diagnosis=bare)) == (Decision.CLOSE, "no_safe_action")


async def test_what_is_always_asked_about_is_asked_about_in_a_strategy_too() -> None:
    table = desk(TWO)
    table.planning = replace(table.planning, asked_about=frozenset({ActionId("restart_workload")}))
    assert told(await table.plan()) == (Decision.ASK, "approval")


async def going_on(text: str, changed: str = "", outcome: Outcome = Outcome.UNCHANGED) -> tuple[str, str]:
    table = desk(text)
    teller = await table.open()
    first = await table.plan(teller)
    assert first.chosen is not None
    if changed:
        table = desk(changed)
        teller = await table.open()
    tried = (Trial(first.chosen, outcome),)
    plan = await table.planning.plan(await table.incident(teller), a_diagnosis(), look=2, tried=tried)
    return named(plan.chosen)


async def test_the_next_step_follows_one_that_did_not_help() -> None:
    assert await going_on(TWO) == ("s", "rollback_deployment")


async def test_after_a_step_that_undoes_all_the_strategy_is_over() -> None:
    text = a_strategy("{action: restart_workload, onFailure: undo}\n{action: rollback_deployment}")
    assert await going_on(text) == ("", "rollback_deployment")


async def test_a_strategy_that_changed_while_it_was_under_way_is_not_gone_on_with() -> None:
    changed = a_strategy("{action: restart_workload}\n{action: rollback_deployment, when: 'true || false'}")
    assert await going_on(TWO, changed) == ("", "rollback_deployment")


async def test_a_step_can_be_for_some_outcomes_of_the_one_before() -> None:
    text = a_strategy(
        "{action: restart_workload}\n{action: rollback_deployment, when: 'last.outcome == \"worse\"'}", causes="'*'"
    )
    assert await going_on(text, outcome=Outcome.WORSE) == ("s", "rollback_deployment")
    assert await going_on(text) == ("", "rollback_deployment")


async def test_a_condition_without_an_answer_passes_the_strategy_over_and_is_told() -> None:
    table = desk(a_strategy("{action: restart_workload}", when="object.spec.paused == true"))
    teller = await table.open()
    plan = await table.plan(teller)
    assert named(plan.chosen) == ("", "rollback_deployment")
    [event] = await table.store.events(teller.id, kinds=(EventKind.PLANNED,))
    considered = str(event.body["ruling"])
    assert "strategy s" in considered
    assert 'needs "spec"' in considered


async def test_a_strategy_counts_once_an_incident_and_as_healed_where_a_later_step_healed() -> None:
    table = desk("")
    cause = "crash_after_change"
    verdicts = [(1, Effect.UNCHANGED, 1), (1, Effect.HEALED, 2), (2, Effect.PREPARED, 1), (2, Effect.WORSE, 2)]
    tellers = {number: await table.open() for number in (1, 2)}
    for incident, effect, step in verdicts:
        body = {
            "verification": {"effect": effect.value}, "cause": cause, "action": f"a{step}", "namespace": "shop",
            "strategy": "s", "step": step, "watched_s": 5.0,
        }  # fmt: skip
        key, about = f"verified-{step}", str(CHECKOUT)
        await table.store.append(Event(tellers[incident].id, key, EventKind.VERIFIED, NOON, body, about=about))

    records = await TrackRecord(table.store, table.clock).of(CauseId(cause), "shop")

    assert {name: (each.healed, each.tried) for name, each in records.items()} == {
        "a1": (0, 1), "a2": (1, 2), "strategy/s": (1, 2),
    }  # fmt: skip


async def test_measured_effect_overrules_the_order_that_was_declared() -> None:
    table = desk(TWO)

    async def records(cause: CauseId, namespace: str) -> dict[str, Standing]:  # noqa: ARG001
        return {"strategy/s": Standing(1, 9, 0.02), "rollback_deployment": Standing(9, 9, 0.8)}

    table.planning = replace(table.planning, records=records)
    assert named((await table.plan()).chosen) == ("", "rollback_deployment")
