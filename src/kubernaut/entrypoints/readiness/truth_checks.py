"""Checks of what was said of a fault against what the fault was: in the sandbox the truth is known."""

from __future__ import annotations

from collections.abc import Mapping

from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.rehearsed import Played
from kubernaut.entrypoints.readiness.verdicts import Measured
from kubernaut.impact.calibration import calibration_of
from kubernaut.impact.clocks import History

_ERROR = 0.1
_NOTE = (
    "The built-in scenarios are few, and each fault is clear: where nearly all answers are right, this tells whether "
    "the confidence is near 1, and hardly whether low confidence is rightly low. The interval says how little so few "
    "prove. Over some hundred generated faults and their look-alikes: python bench/diagnosis --json (calibration)."
)


async def confidence_is_calibrated(ground: Ground) -> Measured:
    """Brier score and expected calibration error of the stored confidence of the cause that was decided on."""
    played = await ground.played()
    pairs = answers(played)
    found = calibration_of(list(pairs.values()), nothing="no incident whose truth is known")
    brier, error = found.brier, found.error
    if error.value is None or error.low is None or error.high is None or brier.value is None:
        return Measured(error.why, reached=False, value=None, n=0, evidence={})
    words = f"ECE {error.value:.3f} ({error.low:.3f} to {error.high:.3f}), Brier {brier.value:.4f}, n = {error.n}"
    evidence: JsonObject = {
        "brier": [brier.value, brier.low, brier.high],
        "ece": [error.value, error.low, error.high],
        "interval": error.interval,
        "answers": {incident: {"confidence": sure, "right": right} for incident, (sure, right) in pairs.items()},
    }
    return Measured(words, error.value < _ERROR, error.value, error.n, evidence, _NOTE)


def answers(played: Played) -> Mapping[str, tuple[float, bool]]:
    """Of each incident whose truth is known: how sure the diagnosis was that it acted or ended on, and if it was so."""
    own: dict[str, History] = {history.incident.id: history for history in played.histories}
    found = {}
    for incident, causes in played.truths.items():
        diagnosed = _decisive(own[incident]) if incident in own else None
        best = next(iter(Tree(diagnosed.body).trees("diagnosis", "hypotheses")), None) if diagnosed else None
        if best is not None:
            found[incident] = (best.number("confidence"), best.text("cause") in causes)
    return found


def _decisive(history: History) -> Event | None:
    """The last diagnosis before the first action; the last of all where none was taken."""
    acted = min((event.seq for event in history.of(EventKind.INTENDED)), default=None)
    before = [event for event in history.of(EventKind.DIAGNOSED) if acted is None or event.seq < acted]
    return before[-1] if before else None
