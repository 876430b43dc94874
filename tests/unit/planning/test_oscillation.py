"""When remedies on one object go in circles, people choose next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.execution import Effect
from kubernaut.domain.objects import ObjectRef
from kubernaut.planning.history import PastAction
from kubernaut.planning.oscillation import thrashes, unrest

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CART = ObjectRef("apps/v1", "Deployment", "shop", "cart")
RESTART = ActionCall(ActionId("restart_workload"), CART, {})
SCALE = ActionCall(ActionId("scale_workload"), CART, {"replicas": 3})


def past(minutes: float, effect: Effect | None = None, **changes: object) -> PastAction:
    plain = PastAction(RESTART, NOW - timedelta(minutes=minutes), kept=True, effect=effect)
    return replace(plain, **changes)  # type: ignore[arg-type]


def rule_of(*history: PastAction, opened: tuple[float, ...] = ()) -> str:
    times = [NOW - timedelta(minutes=minutes) for minutes in opened]
    found = unrest(sorted(history, key=lambda each: each.at), NOW, per_hour=6, per_day=20, opened=times)
    return found.guard if found else ""


def test_an_object_that_nothing_was_done_to_is_calm() -> None:
    assert rule_of() == ""


def test_three_failures_in_a_row_rest_for_an_hour_after_the_last() -> None:
    failed = [past(minutes, kept=False) for minutes in (59, 30, 10)]
    assert rule_of(*failed) == "consecutive_failures"
    assert rule_of(*(past(minutes, kept=False) for minutes in (400, 300, 61))) == ""


def test_a_success_in_between_ends_the_row() -> None:
    assert rule_of(past(300, kept=False), past(250, kept=False), past(30, Effect.HEALED), past(10, kept=False)) == ""


def test_two_failures_are_not_yet_a_row() -> None:
    assert rule_of(past(20, kept=False), past(10, kept=False)) == ""


def test_three_remedies_within_four_hours_without_effect_are_a_chain_though_not_in_a_row() -> None:
    mixed = [past(230, Effect.UNKNOWN), past(150, Effect.UNCHANGED), past(100, Effect.HEALED), past(70, Effect.WORSE)]
    assert rule_of(*mixed) == "ineffective_chain"
    assert rule_of(*mixed[1:]) == ""


def test_a_remedy_that_is_still_watched_is_no_failure() -> None:
    assert rule_of(*(past(minutes) for minutes in (30, 20, 10))) == ""


@pytest.mark.parametrize(
    ("directions", "minutes", "guard"),
    [
        ((1, -1, 1), (60, 40, 20), "scale_flip_flop"),
        ((1, 1, 1), (60, 40, 20), ""),
        ((1, -1, 1), (80, 60, 31), ""),
        ((1, -1), (40, 20), ""),
    ],
)
def test_scaling_up_and_down_and_up_rests_for_half_an_hour(
    directions: tuple[int, ...], minutes: tuple[int, ...], guard: str
) -> None:
    history = [past(at, call=SCALE, direction=way) for way, at in zip(directions, minutes, strict=True)]
    assert rule_of(*history) == guard


def test_four_weak_scores_within_three_hours_are_a_loop_even_where_some_were_kept() -> None:
    weak = [past(minutes, Effect.HEALED, score=20.0) for minutes in (170, 120, 80, 30)]
    assert rule_of(*weak) == "ineffective_loop"
    assert rule_of(*(replace(each, score=30.0) for each in weak)) == ""


def test_two_actions_that_were_each_followed_by_more_incidents_are_a_cascade() -> None:
    history = [past(50, Effect.HEALED), past(20, Effect.HEALED)]
    assert rule_of(*history, opened=(48, 47, 18, 17)) == "cascade"
    assert rule_of(*history, opened=(48, 47)) == ""


def test_as_many_incidents_before_as_after_are_no_cascade() -> None:
    history = [past(50, Effect.HEALED), past(20, Effect.HEALED)]
    assert rule_of(*history, opened=(55, 54, 48, 47, 25, 24, 18, 17)) == ""


def test_one_object_takes_only_so_many_remedies_an_hour_and_a_day() -> None:
    assert rule_of(*(past(minutes, Effect.HEALED) for minutes in range(0, 60, 10))) == "run_cap"
    assert rule_of(*(past(61 + minutes, Effect.HEALED) for minutes in range(20))) == "run_cap"
    assert rule_of(*(past(61 + minutes, Effect.HEALED) for minutes in range(19))) == ""


def test_the_same_action_twice_within_ninety_minutes_gives_way_to_another() -> None:
    history = [past(80, Effect.HEALED), past(20, Effect.HEALED)]
    assert thrashes(RESTART, history, NOW)
    assert not thrashes(SCALE, history, NOW)
    assert not thrashes(RESTART, [past(91), past(20)], NOW)


histories = st.lists(
    st.builds(
        past,
        minutes=st.floats(0, 1500),
        effect=st.sampled_from([None, *Effect]),
        kept=st.booleans(),
        score=st.one_of(st.none(), st.floats(0, 100)),
        direction=st.sampled_from([-1, 0, 1]),
    ),
    max_size=25,
).map(lambda found: sorted(found, key=lambda each: each.at))


@settings(deadline=None)
@given(history=histories)
def test_what_is_older_than_a_day_has_no_say(history: list[PastAction]) -> None:
    recent = [each for each in history if each.at > NOW - timedelta(days=1)]
    caps = {"per_hour": 6, "per_day": 20}
    assert unrest(history, NOW, **caps) == unrest(recent, NOW, **caps) or len(recent) < 3


@settings(deadline=None)
@given(history=histories)
def test_a_failure_more_never_calms(history: list[PastAction]) -> None:
    before = unrest(history, NOW, per_hour=6, per_day=20)
    after = unrest([*history, past(0, Effect.WORSE, kept=False)], NOW, per_hour=6, per_day=20)
    assert before is None or after is not None


@settings(deadline=None)
@given(history=histories, per_hour=st.integers(1, 10))
def test_however_the_history_is_no_more_than_the_cap_is_done_in_an_hour(
    history: list[PastAction], per_hour: int
) -> None:
    hour = sum(each.at > NOW - timedelta(hours=1) for each in history)
    assert unrest(history, NOW, per_hour=per_hour, per_day=20) is not None or hour < per_hour


@settings(deadline=None)
@given(history=histories)
def test_every_refusal_has_a_name_and_a_reason(history: list[PastAction]) -> None:
    found = unrest(history, NOW, per_hour=6, per_day=20)
    assert found is None or (found.guard.isidentifier() and found.reason)
