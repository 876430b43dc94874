"""People are called once about one cause on one object, however many alerts tell of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubernaut.domain.diagnosis import CHANGE_SETTLES, ActionId
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Plan
from tests.planning_desk import PlanningDesk
from tests.told import Teller, a_diagnosis, for_people

FULL = "volume_full"
# Longer than a change is given to settle.
SETTLED = 2 * CHANGE_SETTLES


async def handed_over(desk: PlanningDesk, *, cause: str = FULL, severity: str = "critical") -> Teller:
    """An incident whose cause people were called about; its alert still fires."""
    teller = await desk.open("KubePodNotReady", cause, severity=severity)
    await desk.clock.advance(SETTLED)
    plan = await desk.plan(teller, for_people(cause))
    assert plan.ending is Ending.ESCALATED
    await teller.end(Ending.ESCALATED, plan.reason)
    await desk.clock.advance(timedelta(minutes=20))
    return teller


async def next_one(desk: PlanningDesk, *, cause: str = FULL) -> Plan:
    teller = await desk.open("KubeDeploymentReplicasMismatch", cause)
    await desk.clock.advance(SETTLED)
    return await desk.plan(teller, for_people(cause))


async def test_another_alert_of_what_people_were_called_about_calls_nobody() -> None:
    desk = PlanningDesk()
    first = await handed_over(desk)

    plan = await next_one(desk)

    assert (plan.ending, plan.guard) == (Ending.DECLINED, "already_told")
    assert first.id in plan.reason
    assert plan.help == f"kubernaut incidents show {first.id}"


async def test_another_cause_on_the_same_object_calls_people() -> None:
    desk = PlanningDesk()
    await handed_over(desk)

    assert (await next_one(desk, cause="credentials_refused")).ending is Ending.ESCALATED


async def test_what_came_back_after_its_alert_was_resolved_calls_people() -> None:
    desk = PlanningDesk()
    first = await handed_over(desk)
    await first.resolve()

    assert (await next_one(desk)).ending is Ending.ESCALATED


async def test_a_severer_alert_calls_people_again() -> None:
    desk = PlanningDesk()
    await handed_over(desk, severity="warning")

    assert (await next_one(desk)).ending is Ending.ESCALATED


async def test_what_nobody_can_explain_calls_people_each_time() -> None:
    desk = PlanningDesk()
    await handed_over(desk, cause="unknown")

    assert (await next_one(desk, cause="unknown")).ending is Ending.ESCALATED


@pytest.mark.parametrize(("hours", "ending"), [(3, Ending.DECLINED), (5, Ending.ESCALATED)])
async def test_after_hours_people_are_called_again(hours: int, ending: Ending) -> None:
    desk = PlanningDesk()
    await handed_over(desk)
    await desk.clock.advance(timedelta(hours=hours))

    assert (await next_one(desk)).ending is ending


async def test_what_can_be_mended_by_now_is_mended() -> None:
    desk = PlanningDesk()
    await handed_over(desk, cause="crash_after_change")
    teller = await desk.open("KubeDeploymentReplicasMismatch", "crash_after_change")

    plan = await desk.plan(teller, a_diagnosis("crash_after_change"))

    assert plan.chosen is not None
    assert plan.chosen.call.action == ActionId("rollback_deployment")
