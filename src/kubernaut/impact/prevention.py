"""Incidents that did not come: a mitigated incident is not a prevented one.

A precursor is an alert that fires before users notice (`accounts.PRECURSORS`). It was followed where, within the
horizon, an incident of severity critical opened on the same object. Prevented is our precursors times the difference
between the share followed in the off arm and the share followed here, with Newcombe's interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kubernaut.domain.shares import difference_interval
from kubernaut.impact.accounts import PRECURSORS, Account
from kubernaut.impact.figures import Figure, not_computable

WITHIN = timedelta(hours=24)
_UNIT = "incidents"


def prevented(ours: Sequence[Account], off: Sequence[Account]) -> Figure:
    """`incidents_prevented`; not computable without an off arm that had precursors too."""
    on = _followed(ours)
    if not off:
        return not_computable(_UNIT, "no control arm: what would have come cannot be known", n=on[1])
    other = _followed(off)
    if not on[1] or not other[1]:
        return not_computable(_UNIT, f"{on[1]} precursors here and {other[1]} in the off arm", n=on[1])
    low, high = difference_interval(other, on)
    value = other[0] / other[1] - on[0] / on[1]
    words = f"followed within {WITHIN / timedelta(hours=1):g} h: {on[0]} of {on[1]} here, {other[0]} of {other[1]} off"
    return Figure(
        _UNIT, on[1], on[1] * value, low=on[1] * low, high=on[1] * high, assumptions=(words,), interval="95 %, Newcombe"
    )


def _followed(group: Sequence[Account]) -> tuple[int, int]:
    precursors = [one for one in group if one.alert in PRECURSORS]
    critical = [one for one in group if one.severity == "critical" and one.alert not in PRECURSORS]
    return sum(any(_follows(one, other) for other in critical) for one in precursors), len(precursors)


def _follows(precursor: Account, other: Account) -> bool:
    return other.target == precursor.target and timedelta(0) < other.detected_at - precursor.detected_at <= WITHIN
