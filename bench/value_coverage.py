"""How often each interval of the value report holds the truth, on simulated incidents of which the truth is known.

    python bench/value_coverage.py --json
    python bench/value_coverage.py --repeat 10000

median, 90th percentile, geometric mean   log-normal times of causes that differ; nominal 95 %
restricted mean                           the same, a third not seen to end; nominal 95 %
share healed                              Wilson, the truth drawn anew each time; nominal 95 %
prevented                                 Newcombe, two arms; nominal 95 %
savings, roi, efficiency                  the true inputs drawn from the declared ranges; nominal 90 % (P5 to P95)

The causes come in three forms: many with few incidents each, few with many, and ten of which one has a third of all.
An interval without an upper end holds the truth where its lower end does.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from statistics import NormalDist
from types import MappingProxyType

import numpy as np

from kubernaut.domain.shares import difference_interval, wilson_interval
from kubernaut.impact import money
from kubernaut.impact.counterfactual import Arm, Source
from kubernaut.impact.inputs import Range, ValueInputs, exactly
from kubernaut.impact.resampling import mean_interval, quantile_interval, restricted_mean_interval

_BETWEEN, _WITHIN = 0.5, 0.8
_HORIZON = 6.0
_SEED = 7
_TWO_SIDED = 1.96
_WASTE = 0.03
FORMS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"many": (3,) * 24, "few": (5,) * 12, "uneven": (20, 12, 8, 6, 5, 3, 2, 2, 1, 1)}
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of so many intervals held the truth."""

    figure: str
    nominal: float
    held: int
    repeats: int

    @property
    def share(self) -> float:
        """The coverage."""
        return self.held / self.repeats

    @property
    def is_nominal(self) -> bool:
        """Whether it is below the promise by no more than the error of the simulation, and not wastefully above."""
        error = _TWO_SIDED * math.sqrt(self.nominal * (1 - self.nominal) / self.repeats)
        return self.nominal - error <= self.share <= self.nominal + _WASTE + error


def simulated_logs(chance: np.random.Generator, sizes: Sequence[int]) -> tuple[np.ndarray, list[str]]:
    """Logs of times: causes differ, and incidents of a cause are alike."""
    of = np.repeat(np.arange(len(sizes)), sizes)
    logs = chance.normal(0, _BETWEEN, len(sizes))[of] + chance.normal(0, _WITHIN, len(of))
    return logs, [str(number) for number in of]


def quantile_coverage(repeats: int, share: float, form: str = "many") -> Coverage:
    """The clustered quantile."""
    chance, held = np.random.default_rng(_SEED), 0
    truth = NormalDist(0, math.hypot(_BETWEEN, _WITHIN)).inv_cdf(share)
    for _ in range(repeats):
        logs, causes = simulated_logs(chance, FORMS[form])
        low, high = quantile_interval(logs.tolist(), causes, share)
        held += (low is None or low <= truth) and (high is None or truth <= high)
    return Coverage(f"quantile {share:g}, {form}", 0.95, held, repeats)


def mean_coverage(repeats: int, form: str = "many") -> Coverage:
    """The clustered mean of logs."""
    chance, held = np.random.default_rng(_SEED), 0
    for _ in range(repeats):
        logs, causes = simulated_logs(chance, FORMS[form])
        low, high = mean_interval(logs.tolist(), causes)
        held += low <= 0 <= high
    return Coverage(f"geometric mean, {form}", 0.95, held, repeats)


def restricted_mean_coverage(repeats: int, form: str = "many") -> Coverage:
    """Kaplan and Meier, with incidents that were not seen to end."""
    chance, held = np.random.default_rng(_SEED), 0
    many = np.random.default_rng(1)
    spread = math.hypot(_BETWEEN, _WITHIN)
    truth = float(np.minimum(np.exp(many.normal(0, spread, 1_000_000)), _HORIZON).mean())
    for _ in range(repeats):
        logs, causes = simulated_logs(chance, FORMS[form])
        times, seen = np.exp(logs), chance.exponential(6.0, len(logs))
        low, high = restricted_mean_interval(np.minimum(times, seen), times <= seen, causes, _HORIZON)
        held += low <= truth <= high
    return Coverage(f"restricted mean, {form}", 0.95, held, repeats)


def share_coverage(repeats: int) -> Coverage:
    """Wilson."""
    chance = np.random.default_rng(_SEED)
    truths, sizes = chance.uniform(0.05, 0.95, repeats), chance.integers(10, 120, repeats)
    healed = chance.binomial(sizes, truths)
    held = 0
    for part, whole, truth in zip(healed.tolist(), sizes.tolist(), truths.tolist(), strict=True):
        low, high = wilson_interval(part, whole)
        held += low <= truth <= high
    return Coverage("share healed", 0.95, held, repeats)


def prevented_coverage(repeats: int) -> Coverage:
    """Newcombe."""
    chance = np.random.default_rng(_SEED)
    off, on = chance.uniform(0.2, 0.8, repeats), chance.uniform(0.05, 0.5, repeats)
    others, ours = chance.binomial(40, off), chance.binomial(60, on)
    held = 0
    for other, own, gap in zip(others.tolist(), ours.tolist(), (off - on).tolist(), strict=True):
        low, high = difference_interval((other, 40), (own, 60))
        held += low <= gap <= high
    return Coverage("prevented", 0.95, held, repeats)


def money_coverage(repeats: int) -> list[Coverage]:
    """Savings, ROI and efficiency: the owner's true numbers lie somewhere in the declared ranges."""
    chance = np.random.default_rng(_SEED)
    inputs = ValueInputs(
        minutes_by_hand=Range(25, 42, 70),
        wage_usd_per_h=Range(50, 70, 110),
        review_minutes=Range(1, 2, 5),
        approval_minutes=exactly(3),
        downtime_usd_per_min=Range(0, 4, 20),
        running_usd_per_month=Range(300, 600, 1200),
    )
    sums = money.Sums(
        healed=60, attended=75, decisions=20, mitigated=60, mitigate_minutes=95.0, harm_minutes=12.0, tokens=0
    )
    period = timedelta(days=30)
    drawn = money.draw(inputs, Arm(Source.DECLARED), [])
    figures = {
        "savings": money.in_usd(sums, drawn, inputs, n=75),
        "roi": money.roi(sums, drawn, inputs, n=75, period=period),
        "efficiency": money.efficiency(sums, drawn, inputs),
    }
    by_hand, wage = chance.triangular(25, 42, 70, repeats), chance.triangular(50, 70, 110, repeats)
    review, price = chance.triangular(1, 2, 5, repeats), chance.triangular(0, 4, 20, repeats)
    running = chance.triangular(300, 600, 1200, repeats)
    # Written out again, not called: the truth must not come from the code that is tried.
    minutes = 60 * by_hand - 75 * review - 20 * 3
    true_savings = minutes / 60 * wage + (60 * by_hand - 95.0 - 12.0) * price
    cost = running * (30 * 24 / 730)
    truths = {
        "savings": true_savings,
        "roi": true_savings / cost - 1,
        "efficiency": 100 * minutes / (75 * by_hand),
    }
    return [
        Coverage(name, 0.90, int(((figure.low <= truths[name]) & (truths[name] <= figure.high)).sum()), repeats)
        for name, figure in figures.items()
    ]


def all_coverages(repeats: int) -> list[Coverage]:
    """Every figure of the report that has an interval."""
    by_form = [
        [quantile_coverage(repeats, 0.5, form), quantile_coverage(repeats, 0.9, form), mean_coverage(repeats, form),
         restricted_mean_coverage(repeats, form)]
        for form in FORMS
    ]  # fmt: skip
    shares = [share_coverage(repeats), prevented_coverage(repeats)]
    return [*chain.from_iterable(by_form), *shares, *money_coverage(repeats)]


def main() -> None:
    """Prints the table; ends with 1 where an interval does not hold what it says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = all_coverages(chosen.repeat)
    if chosen.json:
        print(json.dumps([{"figure": c.figure, "nominal": c.nominal, "coverage": round(c.share, 4),
                           "repeats": c.repeats, "is_nominal": c.is_nominal} for c in found], indent=2))  # fmt: skip
    else:
        for each in found:
            print(f"{each.figure:28} nominal {each.nominal:.2f}  held {each.share:.3f} of {each.repeats:,}")
    raise SystemExit(0 if all(each.is_nominal for each in found) else 1)


if __name__ == "__main__":
    main()
