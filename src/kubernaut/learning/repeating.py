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
from kubernaut.domain.learning import Pattern, Recalled
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
    same = _unanimous(like, policy)
    if not same:
        return None
    nearest = same[0]
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


def _unanimous(like: Sequence[Recalled], policy: RepeatPolicy) -> list[Pattern]:
    """The nearest patterns, where all of them had one cause, were healed by one action, and are enough; else none."""
    tried = [each.pattern for each in like if each.likeness >= policy.likeness and each.pattern.action]
    # One that did not heal, or another cause or action among the nearest: somebody has to think about it.
    kinds = {(each.cause, each.action, each.healed) for each in tried}
    return tried if len(tried) >= policy.successes and len(kinds) == 1 and tried[0].healed else []
