"""The report over a period: a pure function of events and of what was declared."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.entrypoints.value.gathering import histories_of, slim
from kubernaut.entrypoints.value.writing import as_csv
from kubernaut.impact.counterfactual import FEWEST
from kubernaut.impact.inputs import Range, ValueInputs, exactly
from kubernaut.impact.period import Period, ValueReport, value_report
from tests.examples import NOON
from tests.worth import Happened, a_month, tell

DECLARED = ValueInputs(
    minutes_by_hand=Range(25, 42, 70),
    wage_usd_per_h=exactly(70),
    downtime_usd_per_min=exactly(10),
    running_usd_per_month=exactly(690),
    model_usd_per_million_tokens=5,
)
MONTH = Period(NOON - timedelta(days=1), NOON + timedelta(days=29))


async def events_of(happened: list[Happened]) -> list[Event]:
    store = MemoryIncidentStore(MemorySignalStore())
    await tell(store, happened)
    return await store.events(limit=100_000)


async def reported(happened: list[Happened], inputs: ValueInputs = DECLARED, **more: object) -> ValueReport:
    return value_report(histories_of(await events_of(happened)), MONTH, inputs, **more)  # type: ignore[arg-type]


def healed(number: int, cause: str = "deadlock", after_s: float = 60, **more: object) -> Happened:
    opened = NOON + timedelta(hours=number)
    return Happened(f"print-{cause}-{number}", cause, Ending.HEALED, after_s, opened, **more)  # type: ignore[arg-type]


async def test_the_same_events_give_the_same_report_to_the_last_digit() -> None:
    events = await events_of(a_month(60))

    assert value_report(histories_of(events), MONTH, DECLARED) == value_report(histories_of(events), MONTH, DECLARED)


async def test_figures_that_the_service_stored_itself_change_nothing() -> None:
    events = await events_of(a_month(60))
    bare = [event for event in events if event.kind is not EventKind.VALUED]

    with_all, without = (value_report(histories_of(some), MONTH, DECLARED) for some in (events, bare))

    assert with_all.metrics == without.metrics
    assert with_all.effectiveness == without.effectiveness
    assert with_all.outlook == without.outlook


async def test_what_is_left_out_of_long_events_is_needed_by_no_figure() -> None:
    events = await events_of(a_month(60))

    whole, slimmed = (value_report(histories_of(some), MONTH, DECLARED) for some in (events, map(slim, events)))

    assert whole == slimmed


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_in_which_incidents_were_opened_changes_no_sum(seed: int) -> None:
    import asyncio  # noqa: PLC0415

    month = a_month(30, seed=seed)
    shuffled = Random(seed).sample(month, len(month))  # noqa: S311
    one, other = (asyncio.run(reported(some)).metrics for some in (month, shuffled))

    assert other.cost_savings_usd.value == pytest.approx(one.cost_savings_usd.value)
    assert other.roi.value == pytest.approx(one.roi.value)
    assert other.time_to_resolution.value == one.time_to_resolution.value


async def test_incidents_outside_the_period_are_not_counted() -> None:
    late = replace(healed(1), opened_at=MONTH.until + timedelta(hours=1))

    report = await reported([healed(2), late])

    assert report.incidents == 1
    assert [line.cause for line in report.lines] == ["deadlock"]


async def test_an_empty_period_says_why_there_is_no_figure() -> None:
    report = await reported([])

    assert report.incidents == 0
    assert report.metrics.time_to_resolution.why == "no healed incident"
    assert report.metrics.cost_savings_usd.why == "no closed incident"
    assert report.outlook is None
    assert report.effectiveness.by_strategy == ()


async def test_a_service_that_ran_for_a_part_of_the_period_costs_that_part() -> None:
    report = await reported([healed(24 * 14)])

    assert report.running_days == pytest.approx(15, abs=0.1)


async def test_few_causes_give_an_interval_that_takes_incidents_as_independent_and_says_so() -> None:
    report = await reported([healed(number) for number in range(12)])

    assert "independent" in report.metrics.time_to_resolution.interval


async def test_many_causes_give_an_interval_over_causes() -> None:
    report = await reported([replace(one, ending=Ending.HEALED) for one in a_month(80)])

    found = report.metrics.time_to_resolution
    assert found.interval == "95 %, jackknife over 7 causes"
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high


async def test_downtime_is_credited_by_the_measured_arm_where_there_is_one() -> None:
    off = [
        Happened(f"off-{n}", "deadlock", Ending.DECLINED, 5, NOON + timedelta(hours=n), guard="autonomy_observe",
                 ends_after_s=600)
        for n in range(FEWEST)
    ]  # fmt: skip
    ours = [healed(number + 50, after_s=60) for number in range(10)]
    events = await events_of(off)

    alone = await reported(ours)
    against = await reported(ours, off=histories_of(events))

    assert alone.counterfactual == "by hand, declared"
    assert against.counterfactual == f"off arm, measured, n = {FEWEST}"
    # Without us an incident lasts 10 minutes, with us 0.9: 9.1 minutes at 10 USD, and the people's time as before.
    people = 10 * 70 / 60 * 45.0
    assert against.metrics.cost_savings_usd.value == pytest.approx(people + 10 * 9.1 * 10, rel=0.05)


async def test_incidents_in_watched_scopes_are_the_shadow_arm() -> None:
    shadow = [
        Happened(f"shadow-{n}", "deadlock", Ending.DECLINED, 5, NOON + timedelta(hours=n), guard="autonomy_observe",
                 ends_after_s=1200)
        for n in range(FEWEST)
    ]  # fmt: skip

    report = await reported([*shadow, *(healed(number + 50) for number in range(4))])

    assert report.counterfactual == f"shadow mode, measured, n = {FEWEST}"


async def test_what_heals_by_itself_without_us_as_fast_earns_nothing_for_downtime() -> None:
    off = [
        Happened(f"off-{n}", "deadlock", Ending.DECLINED, 5, NOON + timedelta(hours=n), ends_after_s=54)
        for n in range(FEWEST)
    ]
    only_downtime = replace(DECLARED, minutes_by_hand=exactly(0.001))

    report = await reported([healed(50)], only_downtime, off=histories_of(await events_of(off)))

    assert report.metrics.cost_savings_usd.value == pytest.approx(0, abs=0.05)


async def test_an_incident_that_was_not_seen_to_end_counts_for_as_long_as_it_was_seen() -> None:
    never = Happened("never", "volume_full", Ending.ESCALATED, 30, NOON)

    report = await reported([never])

    assert report.restricted_mean.value == pytest.approx(240)
    assert "1 not seen to end" in report.restricted_mean.assumptions[0]


async def test_prevention_needs_precursors_in_both_arms() -> None:
    off = histories_of(await events_of([healed(1)]))

    report = await reported([healed(2)], off=off)

    assert report.metrics.incidents_prevented.why == "0 precursors here and 0 in the off arm"


async def test_a_strategy_that_rarely_helps_is_named_where_it_does_not() -> None:
    poor = [
        Happened(
            f"poor-{n}", "deadlock", Ending.HEALED if n == 0 else Ending.UNDONE, 60, NOON + timedelta(hours=n), "pay"
        )
        for n in range(12)
    ]

    [doubt] = (await reported([*poor, healed(40)])).effectiveness.switch_off

    assert (doubt.strategy, doubt.namespace, doubt.healed, doubt.tried) == ("restart_workload", "pay", 1, 12)
    assert doubt.advice == "switch off"


async def test_escalations_that_would_pay_most_come_first() -> None:
    handed = [
        Happened(f"{cause}-{n}", cause, Ending.ESCALATED, 30, NOON + timedelta(hours=n))
        for cause, count in (("volume_full", 3), ("node_not_ready", 1))
        for n in range(count)
    ]

    found = (await reported(handed)).effectiveness.automate_next

    assert [(one.cause, one.incidents) for one in found] == [("volume_full", 3), ("node_not_ready", 1)]
    assert found[0].minutes == pytest.approx(3 * 42)


async def test_without_declared_minutes_what_to_automate_is_counted_and_not_priced() -> None:
    handed = [Happened("one", "volume_full", Ending.ESCALATED, 30, NOON)]

    [found] = (await reported(handed, ValueInputs())).effectiveness.automate_next

    assert (found.incidents, found.minutes, found.usd) == (1, None, None)


async def test_before_and_after_are_windows_of_the_same_length() -> None:
    earlier = [replace(healed(number), opened_at=MONTH.since - timedelta(days=3, hours=number)) for number in range(4)]

    report = await reported([*earlier, healed(1)])

    assert report.before.incidents_per_day == pytest.approx(4 / 30)
    assert report.after.incidents_per_day == pytest.approx(1 / 30)


@pytest.mark.parametrize("bounds", [(3, 2, 5), (-1, 0, 1), (0, 1, float("inf"))])
def test_an_assumption_that_is_no_rising_range_is_refused(bounds: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="rises from 0"):
        Range(*bounds)


async def test_names_in_the_csv_act_neither_on_a_terminal_nor_in_a_spreadsheet() -> None:
    report = await reported([healed(1)])
    for name, shown in (("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("a\x1b]0;b\x07", r"a\x1b]0;b\x07")):
        (row,) = csv.DictReader(io.StringIO(as_csv(replace(report, lines=(replace(report.lines[0], target=name),)))))
        assert row["target"] == shown
