"""What proposals that nobody acted on would have been worth: a pure function of events."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.proposals import Agreement
from kubernaut.entrypoints.terminal.look import Look
from kubernaut.entrypoints.value.gathering import gather_shadow, gather_value
from kubernaut.entrypoints.value.proposed import shadow_sheet
from kubernaut.entrypoints.value.writing import as_text
from kubernaut.impact.counterfactual import FEWEST
from kubernaut.impact.inputs import Range, ValueInputs
from kubernaut.impact.period import Period
from kubernaut.impact.shadow import ShadowReport
from tests.examples import NOON
from tests.worth import CAUSES, Happened, tell, tell_proposal

MONTH = Period(NOON - timedelta(days=1), NOON + timedelta(days=29))
Told = tuple[str, Agreement | None, float | None]


def happened(number: int, cause: str, ending: Ending = Ending.ESCALATED, after_s: float = 3) -> Happened:
    return Happened(f"print-{number}", cause, ending, after_s, NOON + timedelta(hours=number))


async def store_of(*told: Told) -> MemoryIncidentStore:
    store = MemoryIncidentStore(MemorySignalStore())
    for number, (cause, agreement, minutes) in enumerate(told):
        await tell_proposal(store, happened(number, cause), agreement, minutes)
    return store


async def reported(*told: Told) -> ShadowReport:
    return await gather_shadow(await store_of(*told), MONTH)


async def test_minutes_are_summed_over_the_changes_that_people_made_themselves_and_negative_ones_are_kept() -> None:
    report = await reported(
        ("deadlock", Agreement.SAME_CHANGE, 30.0),
        ("deadlock", Agreement.SAME_CHANGE, -4.0),
        ("probe_wrong", Agreement.OTHER_CHANGE, 500.0),
        ("probe_wrong", Agreement.BY_ITSELF, 2.0),
    )
    assert (report.saved_minutes.value, report.saved_minutes.n) == (26.0, 2)
    assert report.saved_minutes.low is None
    assert "fewer than 6 causes" in report.saved_minutes.interval


async def test_the_sum_has_an_interval_where_causes_are_enough_to_draw_again() -> None:
    report = await reported(*((cause, Agreement.SAME_CHANGE, 10.0 + 5 * n) for n, cause in enumerate(CAUSES)))
    assert report.saved_minutes.value == sum(10.0 + 5 * n for n in range(len(CAUSES)))
    assert report.saved_minutes.low is not None
    assert report.saved_minutes.high is not None
    assert report.saved_minutes.low < report.saved_minutes.value < report.saved_minutes.high


async def test_what_people_mended_otherwise_and_what_went_by_itself_would_have_been_wrong() -> None:
    report = await reported(
        ("deadlock", Agreement.SAME_CHANGE, 30.0),
        ("deadlock", Agreement.OTHER_CHANGE, 30.0),
        ("deadlock", Agreement.ELSEWHERE, 30.0),
        ("deadlock", Agreement.BY_ITSELF, 30.0),
        ("deadlock", Agreement.SAME_FIELD, 30.0),
    )
    assert (report.wrong.value, report.wrong.n) == (0.6, 5)
    assert report.right.value == 0.2


async def test_what_nobody_can_judge_is_counted_and_is_in_no_share() -> None:
    report = await reported(
        ("deadlock", Agreement.NOT_KNOWN, 5.0), ("deadlock", Agreement.NOT_HEALED, None), ("deadlock", None, None)
    )
    assert report.agreements == (("not_healed", 1), ("not_known", 1))
    assert (report.proposals, report.watched) == (3, 1)
    assert report.right.value is None
    assert report.saved_minutes.value is None


async def test_the_remedys_own_time_is_taken_off_where_the_log_has_seen_it_heal() -> None:
    store = await store_of(
        ("deadlock", Agreement.SAME_CHANGE, 30.0), ("memory_limit_too_low", Agreement.SAME_CHANGE, 50.0)
    )
    # Applied after 4 s, seen well at nine tenths of the time that it took.
    await tell(store, [happened(50, "deadlock", Ending.HEALED, after_s=(120 + 4) / 0.9)])
    report = await gather_shadow(store, MONTH)
    assert report.net_minutes.n == 1
    assert report.net_minutes.value is not None
    assert abs(report.net_minutes.value - 28.0) < 1e-9


async def test_the_tables_are_by_cause_and_by_action() -> None:
    report = await reported(
        ("deadlock", Agreement.SAME_CHANGE, 30.0),
        ("deadlock", Agreement.BY_ITSELF, 1.0),
        ("probe_wrong", Agreement.SAME_CHANGE, 7.0),
    )
    assert [(row.name, row.proposals) for row in report.by_cause] == [("deadlock", 2), ("probe_wrong", 1)]
    assert report.by_action[0].name == "restart_workload"
    assert report.by_action[0].agreements == (("same_change", 1), ("by_itself", 1))


async def test_people_read_why_each_proposal_counts_as_it_does() -> None:
    report = await reported(("deadlock", Agreement.SAME_CHANGE, 30.0))
    lines = "\n".join(as_text(shadow_sheet(report, cluster="prod"), Look()))
    assert "1 proposals, none done" in lines
    assert "same change 1" in lines
    assert "not computable" in lines


async def test_a_month_without_proposals_says_so() -> None:
    report = await reported()
    assert report.proposals == 0
    assert "0 proposals" in shadow_sheet(report, cluster="prod").title


async def test_what_was_watched_tells_the_value_report_how_long_incidents_last_without_us() -> None:
    told: list[Told] = [("deadlock", Agreement.SAME_CHANGE, 30.0)] * FEWEST
    store = await store_of(*told)
    await tell(store, [happened(50 + n, "deadlock", Ending.HEALED, after_s=60) for n in range(FEWEST)])
    inputs = ValueInputs(minutes_by_hand=Range(25, 42, 70), wage_usd_per_h=Range(70, 70, 70))
    report = await gather_value(store, MONTH, inputs)
    assert report.counterfactual == f"shadow mode, measured, n = {FEWEST}"
