"""What the owner declares, so that value can be computed. Nothing is assumed: without a number, no figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """A declared number with its bounds; where only one number is known, all three are that."""

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.mid <= self.high < float("inf"):
            raise ValueError(f"a range rises from 0: {self.low}, {self.mid}, {self.high}")

    def __str__(self) -> str:
        """`42 (25 to 70)`, or the one number."""
        return f"{self.mid:g}" if self.low == self.high else f"{self.mid:g} ({self.low:g} to {self.high:g})"


def exactly(value: float) -> Range:
    """A number that is known."""
    return Range(value, value, value)


@dataclass(frozen=True, slots=True)
class ValueInputs:
    """None is undeclared: what needs it is then not computable.

    `minutes_by_hand`: of a person's work on such an incident, from the alert to the fix. `review_minutes`: reading the
    report of one. `approval_minutes`: deciding about one proposal. A minute of downtime costs nothing until somebody
    says what it costs. `running_usd_per_month`: compute, licences, upkeep.
    """

    minutes_by_hand: Range | None = None
    wage_usd_per_h: Range | None = None
    review_minutes: Range = Range(0, 0, 0)
    approval_minutes: Range = Range(0, 0, 0)
    downtime_usd_per_min: Range = Range(0, 0, 0)
    running_usd_per_month: Range | None = None
    model_usd_per_million_tokens: float | None = None

    def undeclared(self, *names: str) -> str:
        """Those of the names that have no value, in words; empty where all have one."""
        return ", ".join(name for name in names if getattr(self, name) is None)
