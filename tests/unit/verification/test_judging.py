"""When an action is said to have helped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.execution import Effect, Observation, Verification
from kubernaut.verification.judging import KeepWatching, VerificationPolicy, judge

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
POLICY = VerificationPolicy(
    window=timedelta(seconds=60), interval=timedelta(seconds=10), deadline=timedelta(seconds=300)
)


def look(second: float, healthy: int = 3, **more: Any) -> Observation:  # noqa: ANN401
    fields = {"found": True, "settled": True, "desired": 3, "restarts": 0, **more}
    return Observation(START + timedelta(seconds=second), healthy=healthy, **fields)


def series(*healthy: int, every: float = 10, **more: Any) -> list[Observation]:  # noqa: ANN401
    return [look(index * every, count, **more) for index, count in enumerate(healthy)]


def effect(observations: list[Observation]) -> Effect | None:
    verdict = judge(observations, POLICY)
    return verdict.effect if isinstance(verdict, Verification) else None


def verdict_on(observations: list[Observation]) -> Verification:
    verdict = judge(observations, POLICY)
    assert isinstance(verdict, Verification)
    return verdict


def test_all_well_for_the_whole_window_is_healed() -> None:
    assert effect(series(*[3] * 6)) is None
    verdict = verdict_on(series(*[3] * 7))
    assert (verdict.effect, verdict.score) == (Effect.HEALED, 100.0)
    assert verdict.reason == "3 of 3 well, held for 60 s"


def test_the_next_look_is_never_later_than_the_end_of_the_window_or_the_deadline() -> None:
    assert judge([], POLICY) == KeepWatching(timedelta())
    assert judge([look(0)], POLICY) == KeepWatching(timedelta(seconds=10))
    assert judge([look(0), look(55)], POLICY) == KeepWatching(timedelta(seconds=5))
    assert judge([look(0, 0), look(296, 0)], POLICY) == KeepWatching(timedelta(seconds=4))


def test_a_restart_within_the_window_starts_it_again() -> None:
    observations = series(*[3] * 7)
    observations[4:] = [replace(seen, restarts=1) for seen in observations[4:]]
    assert effect(observations) is None
    assert effect([*observations, look(100, restarts=1)]) is Effect.HEALED


def test_a_rollout_under_way_is_not_yet_well() -> None:
    assert effect(series(*[3] * 7, settled=False)) is None


def test_a_workload_that_is_wanted_nowhere_is_not_healed() -> None:
    assert effect(series(*[0] * 7, desired=0)) is None


def test_an_alert_that_fires_holds_healed_back() -> None:
    assert effect(series(*[3] * 7, alert_firing=True)) is None
    assert effect([*series(*[3] * 7, alert_firing=True), look(70, alert_firing=False)]) is Effect.HEALED


@pytest.mark.parametrize(
    ("baseline", "expected"), [(0.0, Effect.UNKNOWN), (None, Effect.UNKNOWN), (1.0, Effect.UNCHANGED)]
)
def test_an_alert_that_never_clears_is_no_reason_to_take_back_a_visible_mend(
    baseline: float | None, expected: Effect
) -> None:
    verdict = verdict_on(series(*[3] * 31, alert_firing=True, baseline=baseline))
    assert (verdict.effect, verdict.score) == (expected, 53.3)


def test_what_is_still_broken_at_the_deadline_is_unchanged_and_says_what_is_wrong() -> None:
    verdict = verdict_on(series(*[1] * 31, problem="CrashLoopBackOff", baseline=1 / 3))
    assert verdict.effect is Effect.UNCHANGED
    assert verdict.reason == "1 of 3 well at the deadline: CrashLoopBackOff"
    assert verdict.score == pytest.approx(33.3, abs=0.1)


def test_fewer_well_than_before_with_a_failure_in_two_looks_is_worse_at_once() -> None:
    broken = {"problem": "ImagePullBackOff", "baseline": 1.0}
    assert effect([look(0, 2, **broken)]) is None
    verdict = verdict_on([look(0, 2, **broken), look(10, 1, **broken)])
    assert verdict.effect is Effect.WORSE
    assert verdict.reason == "1 of 3 well, 100% before: ImagePullBackOff"


def test_fewer_well_while_pods_start_is_not_worse() -> None:
    assert effect(series(2, 1, 1, 2, baseline=1.0, settled=False)) is None


def test_a_target_that_is_gone_is_worse() -> None:
    assert effect(series(0, 0, found=False, desired=0)) is Effect.WORSE


def test_what_somebody_else_changed_cannot_be_judged() -> None:
    verdict = verdict_on([*series(*[3] * 7), look(70, drift="/spec/template")])
    assert verdict.effect is Effect.UNKNOWN
    assert "somebody else changed /spec/template" in verdict.reason


def test_a_part_that_was_not_measured_gives_its_weight_to_the_others() -> None:
    only_health = verdict_on(series(*[3] * 7))
    assert [part.points for part in only_health.parts] == [40, None, None]
    with_alert = verdict_on(series(*[3] * 7, alert_firing=False))
    assert ([part.points for part in with_alert.parts], with_alert.score) == ([40, 35, None], 100.0)


@pytest.mark.parametrize(("metrics", "expected"), [(0.5, Effect.HEALED), (0.0, Effect.UNCHANGED)])
def test_metrics_that_do_not_recover_are_waited_for_and_then_weighed(metrics: float, expected: Effect) -> None:
    assert effect(series(*[3] * 7, metrics=metrics, alert_firing=False)) is None
    last = verdict_on(series(*[3] * 31, metrics=metrics))
    assert last.effect is expected


looks = st.builds(
    lambda healthy, restarts, settled, firing, problem: look(
        0, healthy, restarts=restarts, settled=settled, alert_firing=firing, problem=problem, baseline=0.5
    ),
    st.integers(0, 4),
    st.integers(0, 2),
    st.booleans(),
    st.none() | st.booleans(),
    st.sampled_from(["", "CrashLoopBackOff"]),
)


def spaced(seen: list[Observation], seconds: int) -> list[Observation]:
    return [replace(each, at=START + timedelta(seconds=seconds * index)) for index, each in enumerate(seen)]


@given(st.lists(looks, max_size=20), st.integers(1, 60))
def test_every_series_ends_by_the_deadline_with_points_within_bounds(seen: list[Observation], every: int) -> None:
    observations = spaced(seen, every)
    verdict = judge(observations, POLICY)
    if isinstance(verdict, KeepWatching):
        assert not observations or verdict.after > timedelta()
        assert not observations or observations[-1].at - START < POLICY.deadline
    else:
        assert verdict.score is not None
        assert 0 <= verdict.score <= 100
        assert sum(part.weight for part in verdict.parts) == 100


@given(st.lists(looks, max_size=12), st.integers(1, 30), st.integers(0, 20))
def test_more_of_the_same_well_looks_never_turn_healed_into_something_else(
    seen: list[Observation], every: int, more: int
) -> None:
    observations = spaced([*seen, *[look(0, alert_firing=False)] * 70], every)
    first = next(index for index in range(1, len(observations) + 1) if effect(observations[:index]) is not None)
    if effect(observations[:first]) is Effect.HEALED:
        longer = spaced([*seen, *[look(0, alert_firing=False)] * 90], every)
        assert effect(longer[: first + more]) is Effect.HEALED


@given(st.integers(1, 100), st.integers(1, 10))
def test_a_healthy_steady_series_is_healed_whatever_its_size_and_pace(desired: int, every: int) -> None:
    observations = spaced([look(0, desired, desired=desired)] * (60 // every + 2), every)
    assert effect(observations) is Effect.HEALED
