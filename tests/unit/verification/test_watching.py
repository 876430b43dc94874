"""When what was left to people is well again, by what its pods and the last change say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kubernaut.domain.proposals import Sight
from kubernaut.verification.watching import WatchPolicy, is_over, well_since
from tests.told import NOON

MINUTE = timedelta(minutes=1)
ILL = Sight(NOON, firing=True, well=False)
WELL = Sight(NOON + 5 * MINUTE, firing=True, well=True)


def test_pods_that_got_ready_after_the_last_bad_look_say_since_when_it_is_well() -> None:
    ready = NOON + 3 * MINUTE
    assert well_since(replace(WELL, well_since=ready, written_at=NOON + MINUTE), ILL) == ready


def test_pods_that_were_ready_before_the_fault_say_nothing_and_the_change_does() -> None:
    seen = replace(WELL, well_since=NOON - 60 * MINUTE, written_at=NOON + 2 * MINUTE)
    assert well_since(seen, ILL) == NOON + 2 * MINUTE
    assert well_since(replace(seen, written_at=None), ILL) is None


def test_what_was_well_at_the_last_look_keeps_its_time() -> None:
    before = replace(WELL, well_since=NOON + 3 * MINUTE)
    assert well_since(replace(WELL, at=NOON + 9 * MINUTE, well_since=NOON), before) == NOON + 3 * MINUTE


def test_it_is_over_when_no_alert_fires_or_when_it_is_well_twice_without_a_restart() -> None:
    later = replace(WELL, at=WELL.at + 2 * MINUTE)
    assert is_over(replace(ILL, firing=False), ILL, None, steady_for=MINUTE)
    assert is_over(later, ILL, WELL, steady_for=MINUTE)
    assert not is_over(replace(later, restarts=1), ILL, WELL, steady_for=MINUTE)
    assert not is_over(later, ILL, ILL, steady_for=MINUTE)
    assert not is_over(later, ILL, WELL, steady_for=10 * MINUTE)


def test_what_looked_well_from_the_beginning_is_judged_by_its_alert_alone() -> None:
    assert not is_over(replace(WELL, at=NOON + 60 * MINUTE), WELL, WELL, steady_for=MINUTE)


def test_a_horizon_shorter_than_the_first_wait_has_one_look() -> None:
    assert list(WatchPolicy(timedelta(seconds=30)).pauses()) == [timedelta(seconds=30)]
