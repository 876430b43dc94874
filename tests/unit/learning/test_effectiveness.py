import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.diagnosis import ActionId, CauseId
from kubernaut.domain.incidents import Fingerprint, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import Standing
from kubernaut.domain.shares import wilson_interval
from kubernaut.learning.effectiveness import Record, TrackRecord, add_verified, beta_lower_bound
from tests.examples import HOLD, a_signal, an_incident

COUNTS = st.integers(0, 5000).flatmap(lambda tried: st.tuples(st.integers(0, tried), st.just(tried)))


NOW = datetime(2026, 11, 22, tzinfo=UTC)


def event(incident: str, kind: EventKind, body: JsonObject) -> Event:
    return Event(IncidentId(incident), kind.value, kind, NOW, body)


def verified(incident: str, cause: str, action: str, effect: str) -> Event:
    body: JsonObject = {"verification": {"effect": effect}, "cause": cause, "action": action}
    return event(incident, EventKind.VERIFIED, body)


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


async def kept(*events: Event) -> MemoryIncidentStore:
    inbox = MemorySignalStore()
    store = MemoryIncidentStore(inbox)
    for number, each in enumerate(events):
        if await store.get(each.incident) is None:
            signal = a_signal(alert=each.incident)
            candidate = replace(an_incident(), id=each.incident, fingerprint=Fingerprint(each.incident))
            await store.admit(signal, candidate, hold=HOLD)
        await store.append(replace(each, key=f"verified-{number}"))
    return store


async def test_attempts_are_counted_for_the_cause_that_was_found_and_the_action_that_was_applied() -> None:
    store = await kept(
        verified("a", "memory_limit_too_low", "increase_memory_limit", "healed"),
        verified("b", "memory_limit_too_low", "increase_memory_limit", "unchanged"),
        verified("b", "crash_after_change", "rollback_deployment", "healed"),
    )
    record = TrackRecord(store, ManualClock(NOW))

    assert await record.of(CauseId("memory_limit_too_low")) == {
        "increase_memory_limit": Standing(1, 2, beta_lower_bound(1, 1))
    }
    assert await record.of(CauseId("crash_after_change")) == {
        "rollback_deployment": Standing(1, 1, beta_lower_bound(1, 0))
    }
    assert await record.of(CauseId("scaled_to_zero")) == {}


async def test_what_was_verified_since_the_last_question_is_counted_once() -> None:
    store = await kept(verified("a", "image_not_found", "rollback_deployment", "healed"))
    record = TrackRecord(store, ManualClock(NOW))
    await record.of(CauseId("image_not_found"))

    await store.append(replace(verified("a", "image_not_found", "rollback_deployment", "worse"), key="later"))

    for _ in range(2):
        assert (await record.of(CauseId("image_not_found")))["rollback_deployment"][:2] == (1, 2)


async def test_an_unknown_effect_counts_as_tried_and_not_as_healed() -> None:
    store = await kept(verified("a", "image_not_found", "rollback_deployment", "unknown"))

    assert await TrackRecord(store, ManualClock(NOW)).of(CauseId("image_not_found")) == {
        "rollback_deployment": Standing(0, 1)
    }


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_bound_leaves_a_fortieth_of_the_posterior_below_it(healed: int, failed: int) -> None:
    bound = beta_lower_bound(healed, failed)
    # The density on a grid of angles, which takes away its infinite ends.
    angles = (np.arange(20_000) + 0.5) * (np.pi / 2 / 20_000)
    log_density = 2 * healed * np.log(np.sin(angles)) + 2 * failed * np.log(np.cos(angles))
    density = np.exp(log_density - log_density.max())
    below = density[angles < math.asin(math.sqrt(bound))].sum() / density.sum()
    assert below == pytest.approx(0.025, abs=1e-3)


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_success_lifts_the_posterior_bound_and_a_failure_lowers_it(healed: int, failed: int) -> None:
    assert beta_lower_bound(healed + 1, failed) > beta_lower_bound(healed, failed)
    assert beta_lower_bound(healed, failed + 1) < beta_lower_bound(healed, failed)


def record_of(*attempts: tuple[str, str, float]) -> Record:
    """Attempts as (namespace, effect, days ago)."""
    kept: dict[tuple[CauseId, ActionId], Record] = {}
    for namespace, effect, days in attempts:
        told = verified("a", "a_cause", "an_action", effect)
        body = {**told.body, "namespace": namespace, "watched_s": 60.0}
        add_verified(kept, replace(told, at=NOW - timedelta(days=days), body=body))
    (record,) = kept.values()
    return record


def test_what_was_verified_long_ago_counts_less() -> None:
    fresh = record_of(*[("shop", "healed", 1.0)] * 8).standing("shop", NOW)
    old = record_of(*[("shop", "healed", 360.0)] * 8).standing("shop", NOW)
    assert (fresh.healed, fresh.tried) == (old.healed, old.tried) == (8, 8)
    assert fresh.lower_bound > 0.7
    assert old.lower_bound < 0.1


def test_ninety_days_halve_what_an_attempt_counts() -> None:
    record = record_of(*[("shop", "healed", 90.0)] * 8)
    assert record.standing("shop", NOW).lower_bound == pytest.approx(beta_lower_bound(4, 0), abs=1e-6)


def test_the_order_in_which_attempts_are_told_changes_nothing() -> None:
    attempts = [("shop", "healed", 100.0), ("shop", "unchanged", 3.0), ("shop", "healed", 50.0)]
    one, other = record_of(*attempts).standing("shop", NOW), record_of(*reversed(attempts)).standing("shop", NOW)
    assert one.lower_bound == pytest.approx(other.lower_bound, abs=1e-9)


def test_what_happened_elsewhere_counts_a_quarter_and_is_overruled_here() -> None:
    elsewhere = record_of(*[("billing", "healed", 0.0)] * 8)
    assert elsewhere.standing("shop", NOW).lower_bound == pytest.approx(beta_lower_bound(2, 0), abs=1e-6)
    mixed = record_of(*[("billing", "healed", 0.0)] * 8, *[("shop", "worse", 0.0)] * 5)
    assert mixed.standing("shop", NOW).lower_bound < mixed.standing("billing", NOW).lower_bound


def test_the_mean_watch_of_an_action_is_its_cost_in_time() -> None:
    assert record_of(("shop", "healed", 0.0), ("shop", "worse", 0.0)).standing("shop", NOW).seconds == 60.0
