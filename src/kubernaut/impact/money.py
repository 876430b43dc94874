"""Savings, cost and ROI: sums that are linear in what the owner declared, drawn over the declared ranges.

    people's minutes saved   healed x by hand - read reports x review - decisions x approval
    downtime saved           healed x time without us - time to mitigate - minutes with a remedy that was undone
    savings                  minutes saved / 60 x wage + downtime saved x cost of a minute
    roi                      (savings - cost) / cost

Losses are kept: an incident that took longer than without us, or was made longer, lowers the sum. Every range is drawn
from the triangle of its low, middle and high; the figure is P50, its interval P5 to P95. What was measured is not
drawn again: the sum is of these incidents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from kubernaut.impact.accounts import Account, weight_of
from kubernaut.impact.counterfactual import Arm, minutes_without_us
from kubernaut.impact.durations import HORIZON_MIN
from kubernaut.impact.figures import Figure, not_computable
from kubernaut.impact.inputs import Range, ValueInputs
from kubernaut.impact.resampling import Floats, generator

# P5 and P95 are then sure to about half a percent of rank, finer than any declared range.
DRAWS = 10_000
P5_P95 = "P5 to P95 over the declared ranges"
_ARM_DRAWS = 1000
# 8,760 h of a year over twelve.
_HOURS_A_MONTH = 730.0


@dataclass(frozen=True, slots=True)
class Sums:
    """What was measured, added up."""

    healed: int
    attended: int
    decisions: int
    mitigated: int
    mitigate_minutes: float
    harm_minutes: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """The declared inputs, each as one number a draw; the first is the middle."""

    by_hand: Floats
    wage: Floats
    review: Floats
    approval: Floats
    downtime: Floats
    running: Floats
    without_us: Floats


@dataclass(frozen=True, slots=True)
class Swing:
    """What the savings are at the ends of one declared range, the other inputs at their middle."""

    input: str
    at_low: float
    at_high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """`break_even_*`: at which the savings equal the cost, the inputs at their middles; None where there is none."""

    chance_roi_positive: float | None
    break_even_usd_per_downtime_min: float | None
    break_even_incidents_per_month: float | None
    swings: tuple[Swing, ...]


def sums_of(group: Sequence[Account]) -> Sums:
    """Healed incidents count up to the horizon, as those without us do."""
    healed, attended, decisions = weight_of(group)
    times = [min(one.mitigate_s / 60, HORIZON_MIN) for one in group if one.healed and one.mitigate_s is not None]
    # The time of a remedy that was taken back lies within the time to mitigate of a healed one: counted once.
    harm = sum(one.harm_minutes for one in group if not one.healed)
    return Sums(healed, attended, decisions, len(times), sum(times), harm, sum(one.tokens for one in group))


def draw(inputs: ValueInputs, arm: Arm, healed: Sequence[Account]) -> Drawn:
    """The inputs drawn; without a measured arm, what is not ours lasts as long as a person takes."""
    # One generator, drawn from in a fixed order: the same inputs give the same figures to the last digit.
    chance = generator()
    by_hand = _triangle(inputs.minutes_by_hand or Range(0, 0, 0), chance)
    wage = _triangle(inputs.wage_usd_per_h or Range(0, 0, 0), chance)
    review, approval = _triangle(inputs.review_minutes, chance), _triangle(inputs.approval_minutes, chance)
    downtime = _triangle(inputs.downtime_usd_per_min, chance)
    running = _triangle(inputs.running_usd_per_month or Range(0, 0, 0), chance)
    # The very same draws: without a measured arm the two are one number and must not vary against each other.
    without_us = by_hand
    if arm.is_measured and healed:
        means = minutes_without_us(arm, healed, _ARM_DRAWS, chance)
        without_us = np.concatenate([means[:1], chance.choice(means[1:], DRAWS)])
    return Drawn(by_hand, wage, review, approval, downtime, running, without_us)


def people_minutes(sums: Sums, drawn: Drawn) -> Floats:
    """Minutes of people's work saved, a draw each."""
    return sums.healed * drawn.by_hand - sums.attended * drawn.review - sums.decisions * drawn.approval


def savings(sums: Sums, drawn: Drawn) -> Floats:
    """USD saved, a draw each."""
    avoided = sums.mitigated * drawn.without_us - sums.mitigate_minutes - sums.harm_minutes
    # Not floored at zero: a service that costs more than it saves has to be seen to.
    return people_minutes(sums, drawn) / 60 * drawn.wage + avoided * drawn.downtime


def costs(sums: Sums, drawn: Drawn, inputs: ValueInputs, period: timedelta, *, part: float = 1.0) -> Floats:
    """USD spent, a draw each; `part` is the share of the running cost that these incidents bear."""
    months = period.total_seconds() / 3600 / _HOURS_A_MONTH
    model = sums.tokens / 1e6 * (inputs.model_usd_per_million_tokens or 0.0)
    return drawn.running * months * part + model


def in_usd(sums: Sums, drawn: Drawn, inputs: ValueInputs, *, n: int) -> Figure:
    """`cost_savings_usd`."""
    missing = inputs.undeclared("minutes_by_hand", "wage_usd_per_h")
    if missing:
        return not_computable("USD", f"undeclared: {missing}", n=n)
    if not n:
        return not_computable("USD", "no closed incident")
    return _figure("USD", n, savings(sums, drawn), assumptions(inputs))


def roi(sums: Sums, drawn: Drawn, inputs: ValueInputs, *, n: int, period: timedelta | None) -> Figure:
    """`roi`."""
    saved = in_usd(sums, drawn, inputs, n=n)
    if saved.value is None:
        return not_computable("", f"no savings: {saved.why}", n=n)
    if inputs.running_usd_per_month is None or period is None:
        return not_computable("", "undeclared: running_usd_per_month, or no period", n=n)
    if sums.tokens and inputs.model_usd_per_million_tokens is None:
        return not_computable("", "undeclared: model_usd_per_million_tokens", n=n)
    spent = costs(sums, drawn, inputs, period)
    # A ratio to nothing is infinite, and to a draw of nothing it is noise.
    if spent.min() <= 0:
        return not_computable("", "the declared cost is 0", n=n)
    words = f"cost {middle(spent):.2f} USD: {inputs.running_usd_per_month} USD a month and {sums.tokens:,} tokens"
    return _figure("", n, (savings(sums, drawn) - spent) / spent, (*saved.assumptions, words))


def outlook(sums: Sums, drawn: Drawn, inputs: ValueInputs, ratio: Figure, period: timedelta) -> Outlook:
    """What the money figures hang on."""
    saved, spent = savings(sums, drawn), costs(sums, drawn, inputs, period)
    ratios = (saved - spent) / spent if ratio.value is not None else None
    return Outlook(
        chance_roi_positive=None if ratios is None else float((ratios[1:] > 0).mean()),
        break_even_usd_per_downtime_min=_break_even_downtime(sums, drawn, spent) if ratios is not None else None,
        break_even_incidents_per_month=_break_even_incidents(sums, saved, spent, period),
        swings=_swings(sums, inputs, drawn),
    )


def assumptions(inputs: ValueInputs) -> tuple[str, ...]:
    """The declared inputs in words."""
    people = f"{inputs.minutes_by_hand} minutes by hand, one person"
    attended = f"{inputs.review_minutes} minutes to review, {inputs.approval_minutes} to approve"
    downtime = f"a minute of downtime costs {inputs.downtime_usd_per_min} USD"
    return (f"{people}; {attended}", f"{inputs.wage_usd_per_h} USD an hour", downtime)


def _figure(unit: str, n: int, drawn: Floats, words: tuple[str, ...]) -> Figure:
    # Without the first, which is the middle of the inputs and no draw.
    low, middle, high = np.quantile(drawn[1:], [0.05, 0.5, 0.95])
    return Figure(unit, n, float(middle), low=float(low), high=float(high), assumptions=words, interval=P5_P95)


def middle(drawn: Floats) -> float:
    """P50, which lies between P5 and P95 wherever the declared middle does."""
    return float(np.median(drawn[1:]))


def efficiency(sums: Sums, drawn: Drawn, inputs: ValueInputs) -> Figure:
    """`efficiency_gain_percentage`: 1 - people's minutes with us / people's minutes by hand."""
    if inputs.minutes_by_hand is None:
        return not_computable("%", "undeclared: minutes_by_hand", n=sums.attended)
    if not sums.attended or inputs.minutes_by_hand.low == 0:
        return not_computable("%", "no incident that a person would have worked on", n=sums.attended)
    gain = 100 * people_minutes(sums, drawn) / (sums.attended * drawn.by_hand)
    return _figure("%", sums.attended, gain, assumptions(inputs)[:1])


def _triangle(declared: Range, chance: np.random.Generator) -> Floats:
    if declared.low == declared.high:
        # numpy refuses a triangle without width.
        return np.full(DRAWS + 1, declared.mid)
    drawn = chance.triangular(declared.low, declared.mid, declared.high, DRAWS)
    return np.concatenate([[declared.mid], drawn])


def _break_even_downtime(sums: Sums, drawn: Drawn, spent: Floats) -> float | None:
    people = people_minutes(sums, drawn)[0] / 60 * drawn.wage[0]
    avoided = sums.mitigated * drawn.without_us[0] - sums.mitigate_minutes - sums.harm_minutes
    # Where no downtime is avoided, no price of a minute makes up for the cost.
    return max(0.0, float((spent[0] - people) / avoided)) if avoided > 0 else None


def _break_even_incidents(sums: Sums, saved: Floats, spent: Floats, period: timedelta) -> float | None:
    if saved[0] <= 0 or not sums.attended:
        return None
    months = period.total_seconds() / 3600 / _HOURS_A_MONTH
    return float(spent[0] / (saved[0] / sums.attended) / months) if months > 0 else None


def _swings(sums: Sums, inputs: ValueInputs, drawn: Drawn) -> tuple[Swing, ...]:
    names = ("minutes_by_hand", "wage_usd_per_h", "review_minutes", "approval_minutes", "downtime_usd_per_min")
    own = ("by_hand", "wage", "review", "approval", "downtime")
    # One input at a time, the others at their middle: the classic tornado, which shows no interplay.
    middle = Drawn(*(getattr(drawn, field)[:1] for field in Drawn.__slots__))
    follows = drawn.without_us is drawn.by_hand
    found = []
    for name, field in zip(names, own, strict=True):
        declared: Range | None = getattr(inputs, name)
        if declared is None or declared.low == declared.high:
            continue
        ends = []
        for value in (declared.low, declared.high):
            moved = {field: np.array([value])}
            if field == "by_hand" and follows:
                moved["without_us"] = np.array([value])
            ends.append(float(savings(sums, replace(middle, **moved))[0]))
        found.append(Swing(name, *ends))
    return tuple(sorted(found, key=lambda swing: -abs(swing.at_high - swing.at_low)))
