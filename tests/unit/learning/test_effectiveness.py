import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject
from kubernaut.learning.effectiveness import Record, records, wilson_interval

COUNTS = st.integers(0, 5000).flatmap(lambda tried: st.tuples(st.integers(0, tried), st.just(tried)))


def event(incident: str, kind: EventKind, body: JsonObject) -> Event:
    return Event(IncidentId(incident), kind.value, kind, datetime(2026, 11, 22, tzinfo=UTC), body)


def attempt(incident: str, action: str, effect: str, *, applied: str = "done") -> list[Event]:
    events = [
        event(incident, EventKind.INTENDED, {"intent": {"preview": {"call": {"action": action}}}}),
        event(incident, EventKind.APPLIED, {"execution": {"applied": applied}}),
    ]
    return [*events, event(incident, EventKind.VERIFIED, {"verification": {"effect": effect}})] if effect else events


def diagnosed(incident: str, *causes: str) -> Event:
    return event(incident, EventKind.DIAGNOSED, {"diagnosis": {"hypotheses": [{"cause": cause} for cause in causes]}})


@pytest.mark.parametrize(
    ("healed", "tried", "low", "high"),
    # Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_is_that_of_wilson(healed: int, tried: int, low: float, high: float) -> None:
    assert wilson_interval(healed, tried) == pytest.approx((low, high), abs=1e-4)


@given(COUNTS)
def test_the_interval_holds_the_share_and_mirrors_itself(counts: tuple[int, int]) -> None:
    healed, tried = counts
    low, high = wilson_interval(healed, tried)
    mirrored_low, mirrored_high = wilson_interval(tried - healed, tried)

    assert 0 <= low <= (healed / tried if tried else low) <= high <= 1
    assert math.isclose(low, 1 - mirrored_high, abs_tol=1e-9)
    assert math.isclose(high, 1 - mirrored_low, abs_tol=1e-9)


@given(COUNTS, st.integers(2, 20))
def test_a_success_more_lifts_the_bound_a_failure_more_lowers_it_and_more_of_the_same_narrows_it(
    counts: tuple[int, int], times: int
) -> None:
    healed, tried = counts
    low = wilson_interval(healed, tried)[0]

    assert wilson_interval(healed + 1, tried + 1)[0] > low
    assert wilson_interval(healed, tried + 1)[0] <= low
    assert wilson_interval(times * healed, times * tried)[0] >= low - 1e-12


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_more_successes_than_attempts_are_refused(healed: int, tried: int) -> None:
    if 0 <= healed <= tried:
        wilson_interval(healed, tried)
    else:
        with pytest.raises(ValueError, match="tried"):
            wilson_interval(healed, tried)


def test_attempts_are_counted_for_the_cause_that_was_found_and_the_action_that_was_applied() -> None:
    events = [
        diagnosed("a", "memory_limit_too_low", "crash_after_change"),
        *attempt("a", "increase_memory_limit", "healed"),
        diagnosed("b", "memory_limit_too_low"),
        *attempt("b", "increase_memory_limit", "unchanged"),
        diagnosed("b", "crash_after_change"),
        *attempt("b", "rollback_deployment", "healed"),
    ]

    assert {key: (record.healed, record.tried) for key, record in records(events).items()} == {
        ("memory_limit_too_low", "increase_memory_limit"): (1, 2),
        ("crash_after_change", "rollback_deployment"): (1, 1),
    }


def test_incidents_that_run_at_the_same_time_do_not_mix() -> None:
    one = [diagnosed("a", "image_not_found"), *attempt("a", "rollback_deployment", "healed")]
    other = [diagnosed("b", "scaled_to_zero"), *attempt("b", "restore_replicas", "worse")]
    mixed = [event for pair in zip(one, other, strict=True) for event in pair]

    assert records(mixed) == records([*one, *other])


@pytest.mark.parametrize(
    "events",
    [
        attempt("a", "rollback_deployment", "healed", applied="refused"),
        attempt("a", "rollback_deployment", ""),
        [event("a", EventKind.VERIFIED, {"verification": {"effect": "healed"}})],
    ],
    ids=["refused", "not verified", "never applied"],
)
def test_what_was_not_applied_and_verified_is_no_attempt(events: list[Event]) -> None:
    assert records([diagnosed("a", "image_not_found"), *events]) == {}


def test_an_unknown_effect_counts_as_tried_and_not_as_healed() -> None:
    events = [diagnosed("a", "image_not_found"), *attempt("a", "rollback_deployment", "unknown", applied="already")]

    (record,) = records(events).values()

    assert record == Record(record.cause, record.action, healed=0, tried=1)
    assert record.lower_bound == 0.0
