import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.diagnosis import CauseId
from kubernaut.domain.incidents import Fingerprint, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject
from kubernaut.learning.effectiveness import TrackRecord, wilson_interval
from tests.examples import HOLD, a_signal, an_incident

COUNTS = st.integers(0, 5000).flatmap(lambda tried: st.tuples(st.integers(0, tried), st.just(tried)))


def event(incident: str, kind: EventKind, body: JsonObject) -> Event:
    return Event(IncidentId(incident), kind.value, kind, datetime(2026, 11, 22, tzinfo=UTC), body)


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
    record = TrackRecord(store)

    assert await record.of(CauseId("memory_limit_too_low")) == {
        "increase_memory_limit": (1, 2, wilson_interval(1, 2)[0])
    }
    assert await record.of(CauseId("crash_after_change")) == {"rollback_deployment": (1, 1, wilson_interval(1, 1)[0])}
    assert await record.of(CauseId("scaled_to_zero")) == {}


async def test_what_was_verified_since_the_last_question_is_counted_once() -> None:
    store = await kept(verified("a", "image_not_found", "rollback_deployment", "healed"))
    record = TrackRecord(store)
    await record.of(CauseId("image_not_found"))

    await store.append(replace(verified("a", "image_not_found", "rollback_deployment", "worse"), key="later"))

    for _ in range(2):
        assert (await record.of(CauseId("image_not_found")))["rollback_deployment"][:2] == (1, 2)


async def test_an_unknown_effect_counts_as_tried_and_not_as_healed() -> None:
    store = await kept(verified("a", "image_not_found", "rollback_deployment", "unknown"))

    assert await TrackRecord(store).of(CauseId("image_not_found")) == {"rollback_deployment": (0, 1, 0.0)}
