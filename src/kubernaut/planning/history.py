"""What was done to an object before, put together from the events of all incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.changes import ObjectPatch
from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.execution import Effect, Execution, Intent
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind, attempt_of, is_undoing
from kubernaut.domain.objects import Tree
from kubernaut.engine.codec import load

KINDS = (EventKind.APPLIED, EventKind.UNDONE, EventKind.VERIFIED)


@dataclass(frozen=True, slots=True)
class PastAction:
    """An action that was applied before: what, when, and whether it was kept.

    `effect` is empty and `score` None where it is not verified (yet). `direction` is 1 or -1 for one that scaled up
    or down.
    """

    call: ActionCall
    at: datetime
    kept: bool
    cause: str = ""
    effect: Effect | None = None
    score: float | None = None
    direction: int = 0
    incident: IncidentId | None = None

    @property
    def healed(self) -> bool:
        """Whether it was seen to help, and is still in force."""
        return self.kept and self.effect is Effect.HEALED

    @property
    def failed(self) -> bool:
        """Whether it is known not to have helped: taken back, or without the wanted effect."""
        return not self.kept or self.effect in {Effect.UNCHANGED, Effect.WORSE, Effect.REVERTED}


def past_actions(events: Sequence[Event]) -> list[PastAction]:
    """The actions of those events, oldest first. Events of one attempt have the same number at the end of their key."""
    # Told apart by incident and attempt, since other incidents touch the same object.
    undone = {_attempt(event) for event in events if is_undoing(event)}
    verified = {_attempt(event): Tree(event.body) for event in events if event.kind is EventKind.VERIFIED}
    found = []
    for event in events:
        if event.kind is not EventKind.APPLIED:
            continue
        intent = load(Execution, event.body.get("execution")).intent
        if intent is not None:
            attempt = _attempt(event)
            kept = attempt not in undone
            found.append(_past(event, intent, verified.get(attempt, Tree({})), kept=kept))
    return sorted(found, key=lambda past: past.at)


def _past(event: Event, intent: Intent, verdict: Tree, *, kept: bool) -> PastAction:
    effect, score = verdict.text("verification", "effect"), verdict.at("verification", "score")
    return PastAction(
        call=intent.preview.call,
        at=event.at,
        kept=kept,
        cause=verdict.text("cause"),
        effect=Effect(effect) if effect else None,
        score=float(score) if isinstance(score, int | float) else None,
        direction=_direction(intent),
        incident=event.incident,
    )


def _attempt(event: Event) -> tuple[IncidentId, str]:
    return event.incident, attempt_of(event)


def _direction(intent: Intent) -> int:
    change = intent.preview.change
    if not isinstance(change, ObjectPatch):
        return 0
    after = next(
        (each.value for each in change.operations if each.path == "/spec/replicas" and each.op != "test"), None
    )
    before = Tree(intent.snapshot).at("spec", "replicas")
    if not isinstance(after, int) or not isinstance(before, int):
        return 0
    return (after > before) - (after < before)
