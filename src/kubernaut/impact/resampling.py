"""Intervals by drawing whole faults again: repeats of one fault are alike, so they are not so many observations.

A bootstrap of few clusters gives intervals that are too short. The tails are widened as Hesterberg does (The American
Statistician 2015, 69:371-386, "expanded percentile"): the t quantile in place of the normal one, and the factor
n/(n-1) of the variance.

Draws are seeded: the same events and the same declared inputs give the same figures to the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

DRAWS = 2000
FEWEST_CLUSTERS = 6
_SEED = 20_260_301
_NORMAL = NormalDist()
# Weights of so many draws and values at once: 80 MB.
_CELLS = 10_000_000


def generator() -> np.random.Generator:
    """The same chance for every report."""
    return np.random.default_rng(_SEED)


def numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """The cluster of each value as a number."""
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], dtype=np.int64)


def cluster_weights(clusters: NDArray[np.int64], draws: int, chance: np.random.Generator) -> Floats:
    """How often each value is in each draw of as many clusters as there are: one row a draw."""
    count = int(clusters.max()) + 1
    times = chance.multinomial(count, np.full(count, 1 / count), size=draws)
    weights: Floats = times[:, clusters].astype(np.float64)
    return weights


def quantiles(ordered: Floats, weights: Floats, share: float) -> Floats:
    """The weighted quantile of every row of weights; the middle between two where the share falls on their border."""
    reached = np.cumsum(weights, axis=1)
    wanted = share * reached[:, -1:]
    low = np.argmax(reached >= wanted - 1e-9, axis=1)
    high = np.argmax(reached > wanted + 1e-9, axis=1)
    middle: Floats = (ordered[low] + ordered[np.maximum(low, high)]) / 2
    return middle


def quantile_interval(values: Sequence[float], clusters: Sequence[str], share: float = 0.5) -> tuple[float, float]:
    """The 95 % interval of a quantile."""
    order = np.argsort(np.array(values), kind="stable")
    ordered, own = np.array(values, dtype=np.float64)[order], numbered(clusters)[order]
    chance, drawn = generator(), []
    at_once = max(1, min(DRAWS, _CELLS // len(ordered)))
    for start in range(0, DRAWS, at_once):
        weights = cluster_weights(own, min(at_once, DRAWS - start), chance)
        drawn.append(quantiles(ordered, weights, share))
    return interval(np.concatenate(drawn), int(own.max()) + 1)


def mean_interval(values: Sequence[float], clusters: Sequence[str]) -> tuple[float, float]:
    """The 95 % interval of a mean."""
    own, array = numbered(clusters), np.array(values, dtype=np.float64)
    count = int(own.max()) + 1
    sums, sizes = np.bincount(own, array, count), np.bincount(own, minlength=count)
    times = generator().multinomial(count, np.full(count, 1 / count), size=DRAWS)
    return interval((times @ sums) / (times @ sizes), count)


def interval(drawn: Floats, clusters: int) -> tuple[float, float]:
    """The widened 95 % percentile interval."""
    tail = expanded_tail(clusters)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def expanded_tail(clusters: int) -> float:
    """The share of draws beyond each end of a 95 % interval; less than 2.5 % where clusters are few."""
    degrees = clusters - 1
    return _NORMAL.cdf(-math.sqrt(clusters / degrees) * _t_quantile(degrees))


def _t_quantile(degrees: int) -> float:
    """The 97.5 % point of Student's t (Abramowitz and Stegun 26.7.5): right to 0.003 from five degrees on."""
    z = _NORMAL.inv_cdf(0.975)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return float(z + sum(term / degrees**power for power, term in enumerate(terms, start=1)))


def restricted_means(times: Floats, ended: NDArray[np.bool_], weights: Floats, horizon: float) -> Floats:
    """The mean time up to the horizon of every row of weights, by Kaplan and Meier.

    What had not ended when it was last seen counts for as long as it was seen, and is not left out.
    """
    order = np.lexsort((~ended, times))
    ordered, died, shares = times[order], ended[order] & (times[order] <= horizon), weights[:, order]
    at_risk = np.cumsum(shares[:, ::-1], axis=1)[:, ::-1]
    deaths = np.where(died, shares, 0.0)
    left = np.divide(deaths, at_risk, out=np.zeros_like(deaths), where=at_risk > 0)
    survive = np.cumprod(1 - left, axis=1)
    edges = np.minimum(ordered, horizon)
    widths = np.diff(np.concatenate([edges, [horizon]]))
    means: Floats = edges[0] + survive @ widths
    return means
