"""The settings of value as the stage and the report take them."""

from __future__ import annotations

from kubernaut.impact.inputs import Range, ValueInputs
from kubernaut.settings import ValueSettings

_NOTHING = (0.0, 0.0, 0.0)


def value_inputs(declared: ValueSettings) -> ValueInputs:
    """What is undeclared stays so, but for what costs nothing until somebody says otherwise."""
    return ValueInputs(
        minutes_by_hand=_range(declared.minutes_by_hand),
        wage_usd_per_h=_range(declared.wage_usd_per_hour),
        review_minutes=Range(*(declared.review_minutes or _NOTHING)),
        approval_minutes=Range(*(declared.approval_minutes or _NOTHING)),
        downtime_usd_per_min=Range(*(declared.downtime_usd_per_minute or _NOTHING)),
        running_usd_per_month=_range(declared.cost_usd_per_month),
        model_usd_per_million_tokens=declared.model_usd_per_million_tokens,
    )


def _range(given: tuple[float, float, float] | None) -> Range | None:
    return Range(*given) if given else None
