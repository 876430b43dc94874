"""Whether an action helped: a pure judgement of a series of observations.

Three parts are weighed: health 40, the alert 35, metrics 25. A part that was not measured is left out and the others
share its weight. Healed needs more than points: all units well, no restart, and no alert, held for the whole window.
Worse is said as soon as it is sure; unchanged only at the deadline. When the owner of
what we wrote put it back, the answer is reverted; when somebody else changed it, nobody
can say what our change did, and the answer is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from kubernaut.domain.execution import Effect, Observation, Score, Verification

HEALTH: Final = 40
ALERT: Final = 35
METRICS: Final = 25
# Health and alert alone make 75 of the 100 points: metrics that are not back may cost no more than their own part.
_ENOUGH: Final = 75.0
# Shares are quotients of counts: this is 1 without trusting the last bit of a float.
_FULL: Final = 0.999


@dataclass(frozen=True, slots=True)
class VerificationPolicy:
    """How long health has to hold, how often to look, and when to stop waiting (from the first look)."""

    window: timedelta = timedelta(seconds=60)
    interval: timedelta = timedelta(seconds=5)
    # From the first look and not from the change, so that a service that was down does not come back to a verdict.
    deadline: timedelta = timedelta(minutes=10)

    def lengthened(self, window: timedelta) -> VerificationPolicy:
        """With that window where it is the longer one, and as much more time in all."""
        # A longer window needs a later deadline, or its remedy could never be seen to hold.
        more = max(timedelta(), window - self.window)
        return replace(self, window=self.window + more, deadline=self.deadline + more)


@dataclass(frozen=True, slots=True)
class KeepWatching:
    """Not sure yet: look again after this long."""

    after: timedelta


def judge(
    observations: Sequence[Observation], policy: VerificationPolicy, *, prepares: bool = False
) -> Verification | KeepWatching:
    """The verdict on all looks so far, oldest first, or when to look again.

    What only `prepares` for the next step need not heal: it is enough that it is in force and settled, twice in a row.
    """
    if not observations:
        return KeepWatching(timedelta())
    last = observations[-1]
    if last.drift:
        return _drifted(observations, policy)
    worse = _worse(observations)
    if worse:
        return _verdict(Effect.WORSE, observations, policy, worse)
    steady_for = last.at - _steady_since(observations)
    good = _good(observations, policy, steady_for, prepares=prepares)
    if good is not None:
        return good
    left = policy.deadline - (last.at - observations[0].at)
    if left > timedelta():
        waits = [policy.interval, left]
        if timedelta() < steady_for < policy.window:
            # The look that can end it comes exactly when the window is over, and not an interval later.
            waits.append(policy.window - steady_for)
        return KeepWatching(min(waits))
    return _at_deadline(observations, policy, steady_for)


def _drifted(observations: Sequence[Observation], policy: VerificationPolicy) -> Verification:
    """What we wrote is not there any more."""
    last = observations[-1]
    if last.reverted_by:
        reason = f"{last.reverted_by} put {last.drift} back to what it keeps"
        return _verdict(Effect.REVERTED, observations, policy, reason)
    # What two hands did at once teaches nothing about either: it counts neither for the remedy nor against it.
    return _verdict(Effect.UNKNOWN, observations, policy, f"somebody else changed {last.drift} meanwhile")


def _good(
    observations: Sequence[Observation], policy: VerificationPolicy, steady_for: timedelta, *, prepares: bool
) -> Verification | None:
    """What is enough, before the deadline."""
    last = observations[-1]
    if steady_for >= policy.window and not last.alert_firing and _metrics_full(last):
        held = f"held for {policy.window.total_seconds():g} s"
        return _verdict(Effect.HEALED, observations, policy, f"{last.healthy} of {last.desired} well, {held}")
    # Where all is well and the alert is gone it may have healed already: that is worth the whole window.
    healing = _is_well(last) and last.alert_firing is False
    # Two looks: a rollout that has not been noticed yet looks settled at the first.
    in_force = len(observations) > 1 and all(each.found and each.settled for each in observations[-2:])
    if prepares and in_force and not healing:
        verdict = _verdict(Effect.PREPARED, observations, policy, "in force, and the next step follows")
        # Points tell how well a remedy worked, and this one was not meant to.
        return replace(verdict, score=None)
    return None


def _at_deadline(
    observations: Sequence[Observation], policy: VerificationPolicy, steady_for: timedelta
) -> Verification:
    last = observations[-1]
    if steady_for < policy.window:
        reason = f"{last.healthy} of {last.desired} well at the deadline"
        reason = f"{reason}: {last.problem}" if last.problem else reason
        return _verdict(Effect.UNCHANGED, observations, policy, reason)
    if not last.alert_firing:
        points = _total(_parts(observations, policy))
        if points is not None and points >= _ENOUGH:
            return _verdict(Effect.HEALED, observations, policy, "all well; the metrics are not back entirely")
        return _verdict(Effect.UNCHANGED, observations, policy, "all well, but the metrics did not recover")
    # Nothing was wrong with the object before, so the alert means something that this remedy does not touch.
    if last.baseline is not None and last.baseline >= _FULL:
        return _verdict(
            Effect.UNCHANGED, observations, policy, "all was well before and after, and the alert still fires"
        )
    # The mend is visible, only the alert is not: taking it back could break what works again.
    return _verdict(Effect.UNKNOWN, observations, policy, "all is well again, but the alert still fires")


def _worse(observations: Sequence[Observation]) -> str | None:
    """Why two looks in a row are sure to be worse than before the action."""
    first, last = observations[0], observations[-1]
    # Without a share from before the action the first look has to do, which judges the remedy more mildly.
    before = last.baseline if last.baseline is not None else first.share
    if len(observations) < 2:  # noqa: PLR2004
        return None
    recent = observations[-2:]
    if all(not each.found for each in recent):
        return "the target is gone"
    # A problem has to be named as well: pods that only start are fewer for a while after every rollout.
    if all(each.problem and each.found and each.share < before for each in recent):
        share = f"{last.healthy} of {last.desired} well, {before:.0%} before"
        return f"{share}: {last.problem}"
    return None


def _steady_since(observations: Sequence[Observation]) -> datetime:
    """Since when, without a break, everything is well; the last moment where it is not."""
    since = observations[-1].at
    if not _is_well(observations[-1]):
        return since
    for earlier, later in reversed(list(pairwise(observations))):
        if not _is_well(earlier) or later.restarts > earlier.restarts:
            return later.at
        since = earlier.at
    return since


def _is_well(seen: Observation) -> bool:
    return seen.found and seen.settled and seen.share >= _FULL and not seen.drift


def _metrics_full(seen: Observation) -> bool:
    return seen.metrics is None or seen.metrics >= _FULL


def _verdict(
    effect: Effect, observations: Sequence[Observation], policy: VerificationPolicy, reason: str
) -> Verification:
    parts = _parts(observations, policy)
    return Verification(effect, _total(parts), parts, reason, observations[-1].at)


def _parts(observations: Sequence[Observation], policy: VerificationPolicy) -> tuple[Score, ...]:
    last = observations[-1]
    return (_health(observations, policy), _alert(last), _metrics(last))


def _health(observations: Sequence[Observation], policy: VerificationPolicy) -> Score:
    """The mean share of units that were well over the last window; a look that found a new restart counts nothing."""
    last = observations[-1]
    # Only the last window: how ill it was before the remedy took hold is not the remedy's fault.
    window = [seen for seen in observations if last.at - seen.at <= policy.window]
    restarted = {later.at for earlier, later in pairwise(observations) if later.restarts > earlier.restarts}
    shares = [0.0 if seen.at in restarted else seen.share for seen in window]
    share = sum(shares) / len(shares)
    restarts = f", {len(restarted)} looks saw restarts" if restarted else ""
    text = f"{last.healthy} of {last.desired} well, mean {share:.0%} over {len(window)} looks{restarts}"
    return Score("health", round(HEALTH * share, 2), HEALTH, text)


def _alert(last: Observation) -> Score:
    if last.alert_firing is None:
        return Score("alert", None, ALERT, "not measured: no alert is watched")
    points = 0 if last.alert_firing else ALERT
    return Score("alert", points, ALERT, "still fires" if last.alert_firing else "cleared")


def _metrics(last: Observation) -> Score:
    if last.metrics is None:
        return Score("metrics", None, METRICS, "not measured: no metrics source")
    return Score("metrics", round(METRICS * last.metrics, 2), METRICS, f"{last.metrics:.0%} of the checks pass")


def _total(parts: Sequence[Score]) -> float | None:
    """Points of 100 over the parts that were measured."""
    measured = [(part.points, part.weight) for part in parts if part.points is not None]
    # Over what was measured: a missing Prometheus must not make every remedy look mediocre.
    weight = sum(weight for _, weight in measured)
    return round(100 * sum(points for points, _ in measured) / weight, 1) if weight else None
