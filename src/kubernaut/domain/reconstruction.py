"""An incident's state rebuilt from its events alone, to be held against the state that is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from kubernaut.domain.incidents import Fingerprint, Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import ObjectRef, Tree


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of which the events tell something else than the stored row."""

    field: str
    by_events: str
    stored: str


def rebuild(events: Iterable[Event]) -> Incident | None:
    """The incident as its events tell it; None where they do not tell how it was opened."""
    incident: Incident | None = None
    for event in events:
        if incident is None:
            incident = _opened(event)
        elif event.kind is EventKind.JOINED:
            incident = incident.joined_once_more()
        elif event.kind is EventKind.CLOSED:
            body = Tree(event.body)
            ending = Ending(body.text("ending"))
            incident = replace(
                incident, phase=Phase.CLOSED, ending=ending, reason=body.text("reason"), closed_at=event.at
            )
        elif event.phase is not None:
            incident = replace(incident, phase=event.phase)
        if incident is not None:
            incident = incident.decided_by(Tree(event.body).text("decided_by"))
    return incident


def differences(by_events: Incident, stored: Incident) -> Sequence[Difference]:
    """Every field in which the two differ."""
    pairs = ((each.name, getattr(by_events, each.name), getattr(stored, each.name)) for each in fields(Incident))
    return [Difference(name, str(told), str(kept)) for name, told, kept in pairs if told != kept]


def _opened(event: Event) -> Incident | None:
    body = Tree(event.body)
    opened = body.tree("opened")
    started_at, opened_at = opened.time("started_at"), opened.time("opened_at")
    if event.kind is not EventKind.RECEIVED or started_at is None or opened_at is None:
        return None
    return Incident(
        id=event.incident,
        fingerprint=Fingerprint(opened.text("fingerprint")),
        target=_ref(opened.tree("target")),
        reported=_ref(opened.tree("reported")),
        alert=opened.text("alert"),
        severity=opened.text("severity"),
        started_at=_utc(started_at, event),
        opened_at=_utc(opened_at, event),
        phase=Phase(opened.text("phase")),
    )


def _ref(tree: Tree) -> ObjectRef:
    return ObjectRef(tree.text("api_version"), tree.text("kind"), tree.text("namespace"), tree.text("name"))


def _utc(moment: datetime, event: Event) -> datetime:
    # Rows and events may spell one moment in different zones, which would look like a difference.
    return moment.astimezone(event.at.tzinfo)
