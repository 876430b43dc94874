"""Figures with their sample size and interval, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from statistics import median

from kubernaut.entrypoints.units import duration

_COVERAGE = 0.95


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the median from order statistics, free of any distribution; None under six values."""
    ordered = sorted(values)
    size = len(ordered)
    best = None
    tail = 0.0
    for rank in range((size - 1) // 2 + 1):
        tail += comb(size, rank) / 2**size
        if 1 - 2 * tail >= _COVERAGE:
            best = (ordered[rank], ordered[size - 1 - rank])
    return best


def median_with_interval(seconds: Sequence[float]) -> str:
    """`71 s median (n = 10, 95 % CI 62 s to 96 s)`; without an interval where there are too few."""
    if not seconds:
        return "not computable: nothing has ended yet"
    middle = duration(median(seconds))
    interval = median_interval(seconds)
    if interval is None:
        return f"{middle} median (n = {len(seconds)}, too few for an interval)"
    return f"{middle} median (n = {len(seconds)}, 95 % CI {duration(interval[0])} to {duration(interval[1])})"
