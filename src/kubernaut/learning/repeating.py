"""When an incident is a repeat that needs no second opinion.

The rules are unsure, but the memory holds incidents that are very much alike, of the same cause (or, while no cause is
known, of the same alert and kind), which the same action was verified to heal, and none that it failed to heal. Then
the memory answers in the place of a model and is treated like one: it cites facts that were seen now, it may choose
only what the rules prepared, and it never turns a verdict into `act`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.learning import Recalled
from kubernaut.domain.shares import wilson_interval
from kubernaut.learning.describing import features
from kubernaut.ports import Opinion

PROVIDER = "memory"


@dataclass(frozen=True, slots=True)
class RepeatPolicy:
    """The least likeness, and how many verified successes of one action there have to be."""

    likeness: float = 0.9
    successes: int = 3


def opinion_of(
    like: Sequence[Recalled], incident: Incident, diagnosis: Diagnosis, policy: RepeatPolicy
) -> Opinion | None:
    """What the memory says; None where it holds too little, or anything that speaks against it."""
    tried = [each.pattern for each in like if each.likeness >= policy.likeness and each.pattern.action]
    if not tried:
        return None
    nearest = tried[0]
    same = [each for each in tried if (each.cause, each.action) == (nearest.cause, nearest.action)]
    # One that did not heal, or another cause or action among the nearest: somebody has to think about it.
    if len(same) < max(len(tried), policy.successes) or not all(each.healed for each in same):
        return None
    remembered = {feature for each in same for feature in each.features}
    seen = tuple(key for key, feature in features(incident, diagnosis) if feature in remembered)
    low, _ = wilson_interval(len(same), len(same))
    names = ", ".join(each.id for each in same[:3])
    return Opinion(
        cause=nearest.cause,
        action=nearest.action,
        confidence=low,
        evidence=seen,
        explanation=f"{nearest.action} healed {len(same)} of {len(same)} incidents like this one ({names}).",
        provider=PROVIDER,
    )
