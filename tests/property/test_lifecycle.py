"""The table of an incident's states, tried on random walks."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.lifecycle import TRANSITIONS, Ending, Phase, may_close, may_follow

PHASES = st.sampled_from(Phase)


def test_every_phase_stands_in_the_table() -> None:
    assert set(TRANSITIONS) == set(Phase)


@given(PHASES)
def test_every_open_phase_can_reach_the_end(start: Phase) -> None:
    reached, frontier = {start}, [start]
    while frontier:
        for following in TRANSITIONS[frontier.pop()] - reached:
            reached.add(following)
            frontier.append(following)
    assert Phase.CLOSED in reached


@given(st.lists(PHASES, min_size=1, max_size=30))
def test_nothing_follows_the_end(wanted: list[Phase]) -> None:
    phase = Phase.CLOSED
    for following in wanted:
        if may_follow(phase, following):
            phase = following
    assert phase is Phase.CLOSED


@given(st.lists(PHASES, max_size=40))
def test_nothing_is_applied_without_a_plan_and_nothing_undone_without_a_verification(wanted: list[Phase]) -> None:
    walk = [Phase.TRIAGE]
    for following in wanted:
        if may_follow(walk[-1], following):
            walk.append(following)
    for before, after in pairwise(walk):
        if after is Phase.EXECUTION and before is not after:
            assert before in {Phase.PLANNING, Phase.APPROVAL}
        if after is Phase.UNDOING and before is not after:
            assert before is Phase.VERIFICATION


@given(PHASES, st.sampled_from(Ending))
def test_only_a_failure_of_ours_closes_before_the_lesson_is_kept(phase: Phase, ending: Ending) -> None:
    allowed = may_close(phase, ending)
    assert allowed == (phase is Phase.LEARNING or (ending is Ending.FAILED and phase is not Phase.CLOSED))
    assert not allowed or may_follow(phase, Phase.CLOSED)


@given(PHASES)
def test_a_repeated_step_leaves_the_incident_where_it_is(phase: Phase) -> None:
    assert may_follow(phase, phase)


def test_the_named_endings_are_the_ones_that_users_read() -> None:
    assert {ending.value for ending in Ending} == {
        "healed",
        "undone",
        "escalated",
        "declined",
        "self_resolved",
        "no_action_needed",
        "blocked",
        "failed",
    }
