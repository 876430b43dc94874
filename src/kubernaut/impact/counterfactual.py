"""What would have happened without us: measured where it was, else declared, and always said which.

    off arm      incidents of the same causes while the service only watched, from an exported log
    shadow       incidents of this log in scopes that are only watched (`observe`, `suggest`): people mended them
    declared     the owner's minutes by hand

The measured ones know how long an incident lasted, which is what downtime costs. How long a person worked on it they
do not know: that is the declared number in every case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kubernaut.impact.accounts import Account
from kubernaut.impact.durations import HORIZON_MIN
from kubernaut.impact.inputs import Range
from kubernaut.impact.resampling import Floats, restricted_means

# Fewer than this, and an arm is an anecdote.
FEWEST = 6


class Source(StrEnum):
    """Where the time without us comes from."""

    OFF_ARM = "off arm, measured"
    SHADOW = "shadow mode, measured"
    DECLARED = "by hand, declared"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Arm:
    """Incidents that were left to people, and how many of ours have a cause that is among them."""

    source: Source
    incidents: tuple[Account, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Whether somebody saw it happen."""
        return self.source in {Source.OFF_ARM, Source.SHADOW}


def arm_of(ours: Sequence[Account], off: Sequence[Account], minutes_by_hand: Range | None) -> Arm:
    """The best there is: an off arm before shadowed incidents before a declared number."""
    if len(off) >= FEWEST:
        return Arm(Source.OFF_ARM, tuple(off))
    shadowed = tuple(one for one in ours if one.shadowed)
    if len(shadowed) >= FEWEST:
        return Arm(Source.SHADOW, shadowed)
    return Arm(Source.DECLARED if minutes_by_hand else Source.NONE)


def minutes_without_us(arm: Arm, healed: Sequence[Account], draws: int, chance: np.random.Generator) -> Floats:
    """The mean minutes that incidents with the causes of `healed` lasted in the arm; the first value is the estimate.

    A cause that the arm has fewer than six of takes the arm's mean over all causes. Drawn within each cause, since
    the mix of causes is that of `healed` and not left to chance.
    """
    total = np.zeros(draws + 1)
    pooled = _means(arm.incidents, draws, chance)
    for cause, count in sorted(Counter(one.cause for one in healed).items()):
        own = [one for one in arm.incidents if one.cause == cause]
        total += count * (_means(own, draws, chance) if len(own) >= FEWEST else pooled)
    return total / max(1, len(healed))


def _means(group: Sequence[Account], draws: int, chance: np.random.Generator) -> Floats:
    times = np.array([(one.seen_s if one.ended_s is None else one.ended_s) / 60 for one in group])
    ended = np.array([one.ended_s is not None for one in group])
    count = len(group)
    # How often each incident is drawn, with replacement: a bootstrap as weights, without copying a row.
    drawn = chance.multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)
    return restricted_means(times, ended, np.concatenate([np.ones((1, count)), drawn]), HORIZON_MIN)
