"""When a provider is left alone: the three states under any order of events."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubernaut.adapters.models.breaker import Breaker, BreakerPolicy, Circuit

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLICY = BreakerPolicy(failures=3, pause=timedelta(seconds=10), longest=timedelta(seconds=60))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def opened(*, by: int = 3) -> Breaker:
    breaker = Breaker(POLICY)
    for _ in range(by):
        breaker = breaker.failed(NOON)
    return breaker


def test_a_new_breaker_lets_questions_through() -> None:
    assert Breaker(POLICY).admits(NOON)


def test_it_opens_with_the_last_of_the_failures_in_a_row() -> None:
    assert opened(by=2).circuit is Circuit.CLOSED
    assert opened(by=3).circuit is Circuit.OPEN


def test_a_usable_reply_forgets_the_failures_before_it() -> None:
    breaker = opened(by=2).answered()
    assert breaker.failed(NOON).failed(NOON).circuit is Circuit.CLOSED


def test_a_failure_that_lasts_opens_it_at_once() -> None:
    assert Breaker(POLICY).failed(NOON, at_once=True).circuit is Circuit.OPEN


def test_an_open_one_admits_nothing_before_its_pause_is_over() -> None:
    assert not opened().admits(at(9.9))
    assert opened().admits(at(10))


def test_a_half_open_one_has_one_trial() -> None:
    assert not opened().asked().admits(at(1000))


def test_a_trial_that_is_answered_closes_it() -> None:
    assert opened().asked().answered() == Breaker(POLICY)


@pytest.mark.parametrize(("trials", "pause_s"), [(1, 20), (2, 40), (3, 60), (20, 60)])
def test_each_failed_trial_doubles_the_pause_up_to_the_longest(trials: int, pause_s: int) -> None:
    breaker = opened()
    for _ in range(trials):
        breaker = breaker.asked().failed(NOON)
    assert breaker.until == at(pause_s)


def test_a_named_time_is_waited_for_and_no_longer_than_the_longest_pause() -> None:
    assert Breaker(POLICY).failed(NOON, wait=timedelta(seconds=42)).until == at(42)
    assert Breaker(POLICY).failed(NOON, wait=timedelta(days=9)).until == at(60)


def test_a_late_failure_changes_nothing_but_a_longer_wait() -> None:
    breaker = opened()
    assert breaker.failed(at(1)) == breaker
    assert breaker.failed(at(1), wait=timedelta(seconds=30)).until == at(31)


def test_a_late_reply_does_not_close_it() -> None:
    assert opened().answered().circuit is Circuit.OPEN


def test_a_trial_that_came_to_no_end_may_be_made_again() -> None:
    left = opened().asked().left(at(10))
    assert left.circuit is Circuit.OPEN
    assert left.admits(at(10))


def test_leaving_a_closed_one_changes_nothing() -> None:
    assert Breaker(POLICY).left(NOON) == Breaker(POLICY)


class AnyStory(RuleBasedStateMachine):
    """Questions that are asked where the breaker admits them, and end in any order."""

    @initialize()
    def begin(self) -> None:
        self.now, self.breaker, self.running, self.in_a_row = NOON, Breaker(POLICY), 0, 0

    @rule(seconds=st.integers(0, 100))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def ask(self) -> None:
        if self.breaker.admits(self.now):
            self.breaker, self.running = self.breaker.asked(), self.running + 1

    @precondition(lambda self: self.running)
    @rule()
    def answer(self) -> None:
        self.breaker, self.running = self.breaker.answered(), self.running - 1

    @precondition(lambda self: self.running)
    @rule(at_once=st.booleans(), wait=st.none() | st.integers(0, 500).map(lambda number: timedelta(seconds=number)))
    def fail(self, at_once: bool, wait: timedelta | None) -> None:  # noqa: FBT001
        before = self.breaker
        self.breaker, self.running = before.failed(self.now, at_once=at_once, wait=wait), self.running - 1
        if at_once or before.circuit is Circuit.HALF_OPEN:
            assert self.breaker.circuit is Circuit.OPEN

    @precondition(lambda self: self.running)
    @rule()
    def cancel(self) -> None:
        self.breaker, self.running = self.breaker.left(self.now), self.running - 1

    @invariant()
    def an_open_one_names_when_it_may_be_tried(self) -> None:
        if self.breaker.circuit is Circuit.OPEN:
            assert self.breaker.until is not None
            assert self.breaker.admits(self.breaker.until)

    @invariant()
    def a_half_open_one_waits_for_a_question_that_is_on_its_way(self) -> None:
        if self.breaker.circuit is Circuit.HALF_OPEN:
            assert self.running

    @invariant()
    def no_pause_is_longer_than_the_longest(self) -> None:
        if self.breaker.until is not None:
            assert self.breaker.until - self.now <= POLICY.longest + timedelta(seconds=500)

    @invariant()
    def a_closed_one_has_fewer_failures_than_open_it(self) -> None:
        if self.breaker.circuit is Circuit.CLOSED:
            assert self.breaker.failures < POLICY.failures


TestAnyStory = AnyStory.TestCase
