"""What the analysis took, under the names of the readiness plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Tree
from kubernaut.impact.clocks import History, clocks
from kubernaut.impact.figures import Figure, median, not_computable

# What came from outside is no step of ours.
_NOT_OURS = frozenset(
    {EventKind.RECEIVED, EventKind.JOINED, EventKind.RESOLVED, EventKind.APPROVED, EventKind.REJECTED}
)


@dataclass(frozen=True, slots=True)
class AnalysisMetrics:
    """For one incident or for a period.

    `execution_duration` is the median time from the accepted alert to the closed incident; `step_count` the recorded
    steps of our own; `success_rate` the share of verified attempts that healed; `ai_request_count` the requests that
    went to a model, repeated ones included.
    """

    execution_duration: Figure
    step_count: int
    success_rate: Figure
    ai_request_count: int


def analysis_metrics(histories: Sequence[History]) -> AnalysisMetrics:
    """The four metrics of these incidents."""
    return AnalysisMetrics(
        execution_duration=_duration(histories),
        step_count=sum(event.kind not in _NOT_OURS for history in histories for event in history.events),
        success_rate=_success_rate(histories),
        ai_request_count=sum(
            Tree(event.body).integer("requests", default=1)
            for history in histories
            for event in history.of(EventKind.MODEL_ASKED)
        ),
    )


def _duration(histories: Sequence[History]) -> Figure:
    times = [clocks(history) for history in histories]
    seconds = [(time.closed - time.detected).total_seconds() for time in times if time.closed]
    return median("s", seconds, of="closed incident")


def _success_rate(histories: Sequence[History]) -> Figure:
    effects = [
        Tree(event.body).text("verification", "effect")
        for history in histories
        for event in history.of(EventKind.VERIFIED)
    ]
    if not effects:
        return not_computable("", "nothing was applied and verified")
    return Figure("", len(effects), effects.count(Effect.HEALED) / len(effects))
