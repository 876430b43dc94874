"""What the owner declares about money and time."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from kubernaut.settings.section import Section


def _three(given: object) -> object:
    """One number, or `LOW-MIDDLE-HIGH`, or a list of the three."""
    if isinstance(given, str):
        given = [part.strip() for part in given.split("-")]
    parts = list(given) if isinstance(given, list | tuple) else [given]
    return tuple(parts * 3 if len(parts) == 1 else parts)


def _rising(given: tuple[float, float, float]) -> tuple[float, float, float]:
    if not 0 <= given[0] <= given[1] <= given[2] < float("inf"):
        raise ValueError("give one number from 0, or three that rise: LOW-MIDDLE-HIGH")
    return given


Declared = Annotated[tuple[float, float, float], BeforeValidator(_three), AfterValidator(_rising)]


class ValueSettings(Section):
    """What the owner declares, so that value can be computed. Nothing is assumed: without a number, no figure.

    Each is one number, or a range as `LOW-MIDDLE-HIGH` (`25-42-70`), over which the money figures are then drawn.
    """

    minutes_by_hand: Declared | None = None
    """Minutes of people's work that such an incident costs without Kubernaut."""
    wage_usd_per_hour: Declared | None = None
    """Loaded cost of one hour of that work."""
    review_minutes: Declared | None = None
    """Minutes that people spend on reading the report of one incident; 0 until you declare it."""
    approval_minutes: Declared | None = None
    """Minutes that people spend on deciding about one proposal; 0 until you declare it."""
    downtime_usd_per_minute: Declared | None = None
    """Cost of a minute of downtime; 0 until you declare it."""
    cost_usd_per_month: Declared | None = None
    """What running Kubernaut costs: compute, licences, upkeep."""
    model_usd_per_million_tokens: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens of the models that are asked."""
