"""What an alert is about where nothing wrong is to be seen: it measures what objects, events and logs do not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubernaut.domain.alerts import handling_of, is_measured
from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import NotRead
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate


def as_the_alerts_say(diagnosis: Diagnosis, alerts: Sequence[str], no_metrics: str) -> Diagnosis:
    """The diagnosis of what these alerts are about; unknown where only what was not looked at can explain them.

    `no_metrics` says why nothing was measured. What was found stays, after that.
    """
    open_ones = [alert for alert in alerts if not _answers(diagnosis, alert)]
    if not open_ones:
        return diagnosis
    name, target, seen = quoted(open_ones[0], 80), diagnosis.target, diagnosis.best
    words = f" {seen.summary}" if seen else ""
    unknown = Hypothesis(
        cause=CauseId("unknown"),
        target=target,
        confidence=0.0,
        verdict=Verdict.ESCALATE,
        summary=quoted(
            f"{name} fires for {target.kind} {target.name}, and what is to be seen of it does not say why: objects, "
            f"events and logs do not show what it measures.{words}",
            600,
        ),
        supporting=seen.supporting if seen else (),
        remedies=(escalate(target),),
    )
    gaps = tuple(NotRead(f"what {quoted(alert, 80)} measures", no_metrics) for alert in dict.fromkeys(open_ones))
    return replace(diagnosis, hypotheses=(unknown, *diagnosis.hypotheses), not_read=(*diagnosis.not_read, *gaps))


def _answers(diagnosis: Diagnosis, alert: str) -> bool:
    """Whether what was found can be what the alert is about."""
    best = diagnosis.best
    if best is None:
        # That an object is gone is an answer; that nothing is known of it is none.
        return bool(diagnosis.evidence) or not _measures_something_else(alert)
    match best.cause:
        case "healthy":
            return not _measures_something_else(alert)
        case "self_healed":
            return not is_measured(alert)
        case _:
            return True


def _measures_something_else(alert: str) -> bool:
    return is_measured(alert) or not handling_of(alert).is_known
