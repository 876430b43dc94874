"""A number with what it rests on, or the reason why there is none."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from kubernaut.domain.shares import wilson_interval

_Z = 1.959963984540054
# The smallest and largest of five cover the median with 1 - 2 / 2^5 = 94 %, those of six with 97 %.
_FEWEST_WITH_INTERVAL = 6
ORDER_STATISTICS = "95 %, order statistics; incidents taken as independent"
WILSON = "95 %, Wilson"


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is None where it cannot be computed; `why` then says why.

    `low` and `high` are its interval: of the sample for a measured figure, of the declared range for a derived one. One
    end alone is missing where so few values do not bound it.
    `interval` says which of the two and how it was made; `assumptions` are the declared inputs in words.
    """

    unit: str
    n: int
    value: float | None = None
    why: str = ""
    low: float | None = None
    high: float | None = None
    assumptions: tuple[str, ...] = ()
    interval: str = ""

    def __str__(self) -> str:
        """Such as `84 s (77 to 93), n = 161`."""
        if self.value is None:
            return f"not computable: {self.why}"
        low, high = (None if end is None else f"{end:.6g}" for end in (self.low, self.high))
        interval = f" ({span_of(low, high)})" if low or high else ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.value:.6g}{unit}{interval}, n = {self.n}"


def span_of(low: str | None, high: str | None) -> str:
    """`77 to 93`, `at least 77` or `at most 93`; empty without an end."""
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}" if high is not None else ""


def not_computable(unit: str, why: str, *, n: int = 0) -> Figure:
    """A figure without a value."""
    return Figure(unit=unit, n=n, why=why)


def median(unit: str, values: Sequence[float], *, of: str) -> Figure:
    """The median with its 95 % interval; `of` names what there was none of.

    The interval lies between two order statistics (ranks n/2 -+ z·sqrt(n)/2): it holds for any distribution, and
    durations of incidents are far from normal. Under six values no such pair covers 95 %.
    """
    if not values:
        return not_computable(unit, f"no {of}")
    ordered, n = sorted(values), len(values)
    value = statistics.median(ordered)
    if n < _FEWEST_WITH_INTERVAL:
        return Figure(unit=unit, n=n, value=value)
    reach = _Z * math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - reach)), min(n - 1, math.ceil(n / 2 + reach))
    return Figure(unit=unit, n=n, value=value, low=ordered[low], high=ordered[high], interval=ORDER_STATISTICS)


def share(part: int, whole: int, *, of: str) -> Figure:
    """A share with its 95 % Wilson interval; `of` names what there was none of."""
    if not whole:
        return not_computable("", f"no {of}")
    low, high = wilson_interval(part, whole)
    return Figure(unit="", n=whole, value=part / whole, low=low, high=high, interval=WILSON)
