import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.impact.ai_metrics import analysis_metrics
from kubernaut.impact.clocks import History, clocks, histories
from kubernaut.impact.inputs import Range, ValueInputs, exactly
from kubernaut.impact.value import business_value

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECLARED = ValueInputs(
    minutes_by_hand=exactly(40),
    wage_usd_per_h=exactly(60),
    review_minutes=exactly(1),
    approval_minutes=exactly(2),
    running_usd_per_month=exactly(73),
    model_usd_per_million_tokens=5,
)
MONTH = timedelta(hours=730)
K = EventKind


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def history(name: str, *events: tuple[float, EventKind, JsonObject]) -> History:
    target = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
    incident = Incident(
        IncidentId(name), Fingerprint(name), target, target, "KubePodCrashLooping", "warning", at(-30), at(1)
    )
    written = [
        Event(incident.id, f"{number}", kind, at(second), body, number)
        for number, (second, kind, body) in enumerate(events)
    ]
    return History(incident, tuple(written))


def closed(second: float, ending: Ending) -> tuple[float, EventKind, JsonObject]:
    return second, K.CLOSED, {"ending": ending.value, "reason": ""}


APPLIED: JsonObject = {"execution": {"applied": "done"}}


def healed(name: str = "healed", *, after: float = 84, asked: bool = False) -> History:
    approval: list[tuple[float, EventKind, JsonObject]] = [(10, K.ASKED, {}), (20, K.APPROVED, {})] if asked else []
    return history(
        name,
        (0, K.RECEIVED, {"alert": {}, "starts_at": at(-30).isoformat()}),
        (2, K.DIAGNOSED, {"diagnosis": {}, "took_s": 1.0}),
        *approval,
        (24, K.APPLIED, APPLIED),
        (after, K.VERIFIED, {"verification": {"effect": "healed"}, "healthy_at": at(54).isoformat()}),
        closed(after, Ending.HEALED),
    )


def undone() -> History:
    return history(
        "undone",
        (0, K.RECEIVED, {}),
        (30, K.APPLIED, APPLIED),
        (90, K.VERIFIED, {"verification": {"effect": "worse"}}),
        (150, K.UNDONE, APPLIED),
        closed(150, Ending.UNDONE),
    )


def test_each_clock_is_the_time_between_two_events() -> None:
    times = clocks(healed())

    assert times.detected - times.began == timedelta(seconds=30)
    assert times.to_mitigate == timedelta(seconds=54)
    assert (times.diagnosed, times.applied, times.verified) == (at(2), at(24), at(84))
    assert times.closed == at(84)


def test_stages_that_were_never_reached_have_no_time() -> None:
    times = clocks(history("declined", (0, K.RECEIVED, {}), closed(3, Ending.DECLINED)))

    assert (times.diagnosed, times.mitigated, times.to_mitigate) == (None, None, None)
    assert times.closed == at(3)


def test_an_attempt_that_did_not_help_mitigated_nothing_and_the_one_that_did_is_the_applied_one() -> None:
    times = clocks(
        history(
            "second-try",
            (0, K.RECEIVED, {}),
            (10, K.APPLIED, APPLIED),
            (40, K.VERIFIED, {"verification": {"effect": "unchanged"}}),
            (50, K.UNDONE, APPLIED),
            (60, K.APPLIED, APPLIED),
            (90, K.VERIFIED, {"verification": {"effect": "healed"}}),
            closed(91, Ending.HEALED),
        )
    )

    assert (times.applied, times.mitigated) == (at(60), at(90))


def test_an_alert_that_claims_to_begin_in_the_future_began_when_it_came_in() -> None:
    late = healed()
    received = dataclasses.replace(late.events[0], body={"starts_at": at(999).isoformat()})
    incident = dataclasses.replace(late.incident, started_at=at(999))

    times = clocks(History(incident, (received, *late.events[1:])))

    assert times.began == times.detected


def test_without_declared_inputs_no_money_is_shown_and_the_missing_ones_are_named() -> None:
    value = business_value([healed()], ValueInputs(), period=timedelta(days=30))

    assert value.cost_savings_usd.value is None
    assert value.cost_savings_usd.why == "undeclared: minutes_by_hand, wage_usd_per_h"
    assert value.efficiency_gain_percentage.value is None
    assert value.roi.value is None
    assert str(value.incidents_prevented).startswith("not computable: no control arm")
    assert (value.time_to_resolution.value, value.time_to_resolution.n) == (114.0, 1)


def test_the_saving_of_a_healed_incident_is_the_time_by_hand_less_the_time_people_spent() -> None:
    ranged = dataclasses.replace(DECLARED, minutes_by_hand=Range(25, 40, 70))
    alone, asked = business_value([healed()], ranged), business_value([healed(asked=True)], ranged)

    # P5, P50 and P95 of a triangle from 25 over 40 to 70 minutes, at a USD a minute, less a minute of reading.
    saved = alone.cost_savings_usd
    assert (saved.low, saved.value, saved.high) == pytest.approx((29.81, 43.02, 60.78), rel=0.01)
    assert asked.cost_savings_usd.value == pytest.approx(saved.value - 2)
    assert alone.efficiency_gain_percentage.value == pytest.approx(100 * 43.02 / 44.02, rel=0.01)
    assert saved.assumptions[0].startswith("40 (25 to 70) minutes by hand")


def test_a_minute_of_downtime_counts_only_once_its_price_is_declared() -> None:
    priced = dataclasses.replace(DECLARED, downtime_usd_per_min=exactly(10))

    # 40 minutes by hand, healthy 54 seconds after the alert.
    assert business_value([healed()], priced).cost_savings_usd.value == pytest.approx(39 + (40 - 0.9) * 10)


def test_losses_are_kept() -> None:
    priced = dataclasses.replace(DECLARED, downtime_usd_per_min=exactly(10))

    # Two minutes with a remedy that made it worse, and a person who has to do the whole work after reading.
    assert business_value([undone()], priced).cost_savings_usd.value == pytest.approx(-1 - 2 * 10)
    assert business_value([undone()], DECLARED).efficiency_gain_percentage.value == pytest.approx(-100 / 40)
    assert business_value([undone()], DECLARED, period=MONTH).roi.value == pytest.approx((-1 - 73) / 73)


def test_an_incident_that_took_longer_than_by_hand_lowers_the_sum() -> None:
    late = history(
        "late",
        (0, K.RECEIVED, {}),
        (24, K.APPLIED, APPLIED),
        (54 * 60, K.VERIFIED, {"verification": {"effect": "healed"}}),
        closed(54 * 60, Ending.HEALED),
    )
    priced = dataclasses.replace(DECLARED, downtime_usd_per_min=exactly(10))

    assert business_value([late], priced).cost_savings_usd.value == pytest.approx(39 + (40 - 54) * 10)


@pytest.mark.parametrize("ending", [Ending.SELF_RESOLVED, Ending.DECLINED, Ending.NO_ACTION_NEEDED])
def test_what_ended_without_us_earns_nothing(ending: Ending) -> None:
    value = business_value([history("free", (0, K.RECEIVED, {}), closed(60, ending))], DECLARED)

    assert value.cost_savings_usd.value == 0
    assert value.efficiency_gain_percentage.value is None


def test_roi_sets_the_savings_against_running_cost_and_tokens() -> None:
    asked = history(
        "asked",
        (0, K.RECEIVED, {}),
        (1, K.MODEL_ASKED, {"tokens": 400_000, "requests": 2, "ok": True}),
        (9, K.VERIFIED, {"verification": {"effect": "healed"}}),
        closed(9, Ending.HEALED),
    )

    roi = business_value([asked], DECLARED, period=MONTH).roi

    assert roi.value == pytest.approx((39 - 75) / 75)
    assert roi.assumptions[-1] == "cost 75.00 USD: 73 USD a month and 400,000 tokens"
    without_price = dataclasses.replace(DECLARED, model_usd_per_million_tokens=None)
    assert business_value([asked], without_price, period=MONTH).roi.why == "undeclared: model_usd_per_million_tokens"
    free = dataclasses.replace(DECLARED, running_usd_per_month=0)
    assert business_value([healed()], free, period=MONTH).roi.why == "the declared cost is 0"


def test_open_incidents_are_left_out_until_they_end() -> None:
    still_open = history("open", (0, K.RECEIVED, {}), (24, K.APPLIED, APPLIED))

    assert business_value([still_open, healed()], DECLARED) == business_value([healed()], DECLARED)
    assert business_value([still_open], DECLARED).cost_savings_usd.why == "no closed incident"


ENDINGS = st.lists(st.sampled_from([healed(), healed(asked=True), undone()]), min_size=1, max_size=12)


@given(ENDINGS, st.randoms(use_true_random=False))
def test_the_value_of_a_period_is_the_sum_of_its_incidents_in_any_order(some: list[History], random: Random) -> None:
    priced = dataclasses.replace(DECLARED, downtime_usd_per_min=exactly(3))
    mixed = list(some)
    random.shuffle(mixed)

    total = business_value(mixed, priced).cost_savings_usd

    assert total.value == pytest.approx(value_sum(business_value([one], priced).cost_savings_usd.value for one in some))
    assert total.low is not None
    assert total.high is not None
    assert total.value is not None
    assert total.low <= total.value <= total.high


def value_sum(values: Iterable[float | None]) -> float:
    return sum(value for value in values if value is not None)


def test_a_range_that_does_not_rise_is_refused() -> None:
    with pytest.raises(ValueError, match="rises"):
        Range(40, 30, 70)


def test_the_metrics_of_the_analysis_are_counted_from_events() -> None:
    asked = history(
        "asked",
        (0, K.RECEIVED, {}),
        (1, K.JOINED, {}),
        (2, K.DIAGNOSED, {}),
        (3, K.MODEL_ASKED, {"requests": 3, "ok": False}),
        (4, K.MODEL_ASKED, {"ok": True}),
        (5, K.PLANNED, {}),
        closed(50, Ending.ESCALATED),
    )

    metrics = analysis_metrics([asked, healed(), undone()])

    assert metrics.ai_request_count == 4
    assert metrics.step_count == 5 + 4 + 4
    assert (metrics.success_rate.value, metrics.success_rate.n) == (0.5, 2)
    assert (metrics.execution_duration.value, metrics.execution_duration.n) == (84.0, 3)


def test_metrics_of_nothing_say_that_there_was_nothing() -> None:
    metrics = analysis_metrics([])

    assert str(metrics.success_rate) == "not computable: nothing was applied and verified"
    assert str(metrics.execution_duration) == "not computable: no closed incident"
    assert (metrics.step_count, metrics.ai_request_count) == (0, 0)


def test_events_are_sorted_to_their_incidents() -> None:
    one, other = healed("one"), undone()
    mixed = [*one.events, *other.events]

    assert histories([one.incident, other.incident], mixed) == [one, other]
