"""Intervals of shares that hold for small samples too."""

from __future__ import annotations

import math

_Z = 1.959963984540054


def wilson_interval(part: int, whole: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927, JASA 22:209-212); (0, 1) of nothing."""
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} tried")
    if whole == 0:
        return 0.0, 1.0
    share, square = part / whole, _Z * _Z
    centre = share + square / (2 * whole)
    spread = _Z * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    # At the ends the bound is exactly the end; rounding must not say otherwise.
    low = 0.0 if part == 0 else (centre - spread) / scale
    high = 1.0 if part == whole else (centre + spread) / scale
    return low, high


def difference_interval(one: tuple[int, int], other: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of the difference of two independent shares, each (part, whole).

    Newcombe's hybrid of two score intervals (Statistics in Medicine 1998, 17:873-890, method 10).
    """
    (low_one, high_one), (low_other, high_other) = wilson_interval(*one), wilson_interval(*other)
    first, second = one[0] / one[1], other[0] / other[1]
    gap = first - second
    low = gap - math.hypot(first - low_one, high_other - second)
    high = gap + math.hypot(high_one - first, second - low_other)
    return low, high
