"""The metrics of an incident computed a second time, by a way of its own, to find what the first one gets wrong.

Reads the stored events as plain JSON. It shares no code with `ai_metrics` on purpose: neither the clocks,
nor the figures, nor the reading of bodies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.journal import Event
from kubernaut.domain.objects import Json, JsonObject

# Microseconds: what a moment loses on its way through a database.
_TOLERATED = 1e-5
_OF_CALLS = (("ai_request_count", "requests"), ("tool_calls", "lookups"), ("tokens", "tokens"), ("usd", "usd"))
# Incidents that were finished before it was counted report none, and had none.
_NEWER = "tool_calls"
_COUNTED = (
    "step_count", "ai_request_count", "tool_calls", "questions", "kept", "suspicious", "failovers", "tokens", "usd",
)  # fmt: skip
_OUTSIDE = ("received", "joined", "resolved", "approved", "rejected")


@dataclass(frozen=True, slots=True)
class Difference:
    """A reported figure that the events do not give; None where there is no figure."""

    incident: str
    metric: str
    reported: float | None
    recomputed: float | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many of the reported figures the events give again."""

    incidents: int
    compared: int
    differences: tuple[Difference, ...]

    @property
    def share(self) -> float | None:
        """0..1, None where nothing was reported."""
        return 1 - len(self.differences) / self.compared if self.compared else None


def accuracy(events: Iterable[Event]) -> Accuracy:
    """Every figure that was stored with a finished incident against the one recomputed from its other events."""
    own: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        own[event.incident].append(event)
    compared, differences, incidents = 0, list[Difference](), 0
    for incident, mine in own.items():
        reported = next((_reported(event.body) for event in mine if event.kind.value == "valued"), None)
        if reported is None:
            continue
        incidents += 1
        again = recomputed(mine)
        if reported and _NEWER not in reported and not again[_NEWER]:
            del again[_NEWER]
        compared += len(again)
        for metric, value in again.items():
            if not _alike(reported.get(metric), value):
                differences.append(Difference(incident, metric, reported.get(metric), value))
    return Accuracy(incidents, compared, tuple(differences))


def recomputed(events: Iterable[Event]) -> dict[str, float | None]:
    """The figures of one incident as they stood when it was valued, the close that follows included."""
    told = sorted(events, key=lambda one: one.seq)
    begun, ended = _first_at(told, "received"), _first_at(told, "valued", "closed")
    valued = next((place for place, event in enumerate(told) if event.kind.value == "valued"), len(told))
    before, after = told[:valued], told[valued:]
    # The close is written after the figures that count it.
    steps = [*before, *(event for event in after if event.kind.value == "closed")]
    tally = dict.fromkeys(_COUNTED, 0.0)
    tally["step_count"] += sum(event.kind.value not in _OUTSIDE for event in steps)
    for event in before:
        if event.kind.value == "model_asked":
            _add_question(tally, event.body)
    attempts = [event.body.get("verification") for event in before if event.kind.value == "verified"]
    healed = sum(isinstance(one, dict) and one.get("effect") == "healed" for one in attempts)
    return {
        "execution_duration": (ended - begun).total_seconds() if begun and ended else None,
        "success_rate": healed / len(attempts) if attempts else None,
        **tally,
    }


def _first_at(told: Iterable[Event], *kinds: str) -> datetime | None:
    return next((event.at for event in told if event.kind.value in kinds), None)


def _add_question(tally: dict[str, float], body: JsonObject) -> None:
    calls = body.get("calls")
    entries = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    tally["questions"] += 1
    tally["kept"] += body.get("kept") is True
    tally["suspicious"] += body.get("suspicious") is True
    tally["failovers"] += max(0, len(entries) - 1)
    for metric, name in _OF_CALLS:
        # Summed from the calls, where the first way takes the sums that were stored beside them.
        tally[metric] += sum(_number(call.get(name)) or 0.0 for call in entries)


def _reported(body: JsonObject) -> dict[str, float | None]:
    analysis = body.get("analysis")
    figures = analysis if isinstance(analysis, dict) else {}
    return {name: _figure(value) for name, value in figures.items()}


def _figure(value: Json) -> float | None:
    return _number(value.get("value")) if isinstance(value, Mapping) else _number(value)


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _alike(reported: float | None, again: float | None) -> bool:
    if reported is None or again is None:
        return reported is again
    return abs(reported - again) <= _TOLERATED
