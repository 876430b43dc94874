"""Remedies that go in circles: each rule looks at what was done to one object, and says when to leave it to people."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.execution import Effect
from kubernaut.planning.history import PastAction

# As far back as the longest of these rules, the cap of a day, looks.
HISTORY = timedelta(hours=24)
_HOUR = timedelta(hours=1)
FAILURES_ALLOWED = 3
_CHAIN, _CHAIN_WINDOW = 3, timedelta(hours=4)
_FLIPS, _FLIP_WINDOW, _FLIP_REST = 3, timedelta(minutes=120), timedelta(minutes=30)
_TURNS = 2
_THRASHES, _THRASH_WINDOW = 2, timedelta(minutes=90)
_LOOPS, _LOOP_WINDOW, _LOOP_SCORE = 4, timedelta(minutes=180), 30.0
_CASCADE_WINDOW, _CASCADE_REST = timedelta(minutes=60), timedelta(minutes=60)
# New incidents are counted for this long before an action and after it.
_WAKE = timedelta(minutes=10)
_GROWTH = 1.5
# One incident more is no cascade.
_LEAST_GROWTH = 2


@dataclass(frozen=True, slots=True)
class Unrest:
    """Why people choose next: `guard` is the name of the rule."""

    guard: str
    reason: str


def unrest(
    history: Sequence[PastAction], now: datetime, *, per_hour: int, per_day: int, opened: Sequence[datetime] = ()
) -> Unrest | None:
    """The first rule that the history breaks. `opened` are the times at which incidents of the namespace were opened.

    An action that is applied and not verified yet counts for the caps and for no failure.
    """
    found = (
        _consecutive(history, now),
        _chain(history, now),
        _flip_flop(history, now),
        _loop(history, now),
        _cascade(history, now, opened),
        _caps(history, now, per_hour, per_day),
    )
    return next((each for each in found if each is not None), None)


def thrashes(call: ActionCall, history: Sequence[PastAction], now: datetime) -> bool:
    """Whether the same action was applied to the same object so often that another one is due."""
    return sum(past.call.action == call.action for past in _since(history, now, _THRASH_WINDOW)) >= _THRASHES


def _since(history: Sequence[PastAction], now: datetime, window: timedelta) -> list[PastAction]:
    return [past for past in history if past.at > now - window]


def _consecutive(history: Sequence[PastAction], now: datetime) -> Unrest | None:
    """The last remedies all failed; a rest of an hour after the last."""
    # In a row: one that helped in between shows that the object can be helped.
    latest = sorted(history, key=lambda past: past.at)[-FAILURES_ALLOWED:]
    if len(latest) < FAILURES_ALLOWED or not all(past.failed for past in latest) or latest[-1].at <= now - _HOUR:
        return None
    reason = f"the last {FAILURES_ALLOWED} remedies on this object did not help; it rests for an hour"
    return Unrest("consecutive_failures", reason)


def _chain(history: Sequence[PastAction], now: datetime) -> Unrest | None:
    # An unknown effect counts here: three remedies of which nobody can say that they helped are no treatment.
    idle = [past for past in _since(history, now, _CHAIN_WINDOW) if past.failed or past.effect is Effect.UNKNOWN]
    if len(idle) < _CHAIN:
        return None
    return Unrest("ineffective_chain", f"{len(idle)} remedies on this object within 4 h have not healed it")


def _flip_flop(history: Sequence[PastAction], now: datetime) -> Unrest | None:
    scaled = [past for past in _since(history, now, _FLIP_WINDOW) if past.direction]
    # Two turns in three scalings: up, down and up again is two parties or two metrics at odds.
    turns = sum(one.direction != other.direction for one, other in itertools.pairwise(scaled))
    if len(scaled) < _FLIPS or turns < _TURNS or scaled[-1].at <= now - _FLIP_REST:
        return None
    return Unrest("scale_flip_flop", f"it was scaled {len(scaled)} times up and down within 2 h; it rests for 30 min")


def _loop(history: Sequence[PastAction], now: datetime) -> Unrest | None:
    weak = [past for past in _since(history, now, _LOOP_WINDOW) if past.score is not None and past.score < _LOOP_SCORE]
    if len(weak) < _LOOPS:
        return None
    return Unrest("ineffective_loop", f"{len(weak)} remedies within 3 h scored below {_LOOP_SCORE:g} of 100")


def _cascade(history: Sequence[PastAction], now: datetime, opened: Sequence[datetime]) -> Unrest | None:
    # Back from each action in its hour: the rest is counted from the last of them.
    recent = _since(history, now, _CASCADE_WINDOW + _CASCADE_REST)
    worsening = [past for past in recent if _woke_more(past.at, opened)]
    for one, other in itertools.pairwise(worsening):
        if other.at - one.at <= _CASCADE_WINDOW and worsening[-1].at > now - _CASCADE_REST:
            reason = (
                f"after {len(worsening)} actions here more incidents began than before; nothing is done for an hour"
            )
            return Unrest("cascade", reason)
    return None


def _woke_more(at: datetime, opened: Sequence[datetime]) -> bool:
    before = sum(at - _WAKE <= moment <= at for moment in opened)
    after = sum(at < moment <= at + _WAKE for moment in opened)
    return after >= max(_LEAST_GROWTH, _GROWTH * before)


def _caps(history: Sequence[PastAction], now: datetime, per_hour: int, per_day: int) -> Unrest | None:
    hour, day = len(_since(history, now, _HOUR)), len(_since(history, now, HISTORY))
    if hour >= per_hour:
        return Unrest("run_cap", f"{hour} remedies on this object within an hour, and {per_hour} are allowed")
    if day >= per_day:
        return Unrest("run_cap", f"{day} remedies on this object within a day, and {per_day} are allowed")
    return None
