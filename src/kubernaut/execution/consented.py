"""Whether a change is still the one that people were shown when they consented to it."""

from __future__ import annotations

from kubernaut.domain.changes import ObjectPatch
from kubernaut.domain.execution import Intent, Preview, Refused
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Tree
from kubernaut.engine.codec import load
from kubernaut.ports import IncidentStore


async def other_than_shown(store: IncidentStore, incident: Incident, intended: Intent) -> Refused | None:
    """Refuses an edit of one object that would replace other values than those that were shown for this very call.

    What it puts there may differ by a time stamp, and the pods of a node come and go: neither is looked at.
    """
    change, call = intended.preview.change, intended.preview.call
    if not isinstance(change, ObjectPatch) or intended.further:
        return None
    asked = await store.events(incident.id, kinds=(EventKind.ASKED,))
    previews = [load(Preview, dict(each.raw)) for each in Tree(asked[-1].body).trees("previews")] if asked else []
    shown = next((each for each in previews if each.call == call), None)
    if shown is None or _replaced(shown) == _replaced(intended.preview):
        return None
    text = f"{call.target} is not what it was when {call.action} was shown and consented to"
    return Refused("changed_since_consent", text)


def _replaced(preview: Preview) -> list[str]:
    return [line for line in preview.diff if line.startswith("- ")]
