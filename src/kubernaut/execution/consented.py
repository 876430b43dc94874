"""Whether a change is still the one that people were shown when they consented to it."""

from __future__ import annotations

import re
from typing import Final

from kubernaut.domain.changes import Change, Eviction, ObjectCreation, ObjectDeletion, ObjectPatch
from kubernaut.domain.execution import Intent, Preview, Refused
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Tree, Uid
from kubernaut.engine.codec import load
from kubernaut.ports import IncidentStore

# The time of a restart is that of the restart.
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


async def other_than_shown(store: IncidentStore, incident: Incident, intended: Intent) -> Refused | None:
    """Refuses for another object than the one that was shown for this very call, and an edit with another difference.

    Of a remedy of many objects the first counts: the pods of a node come and go.
    """
    asked = await store.events(incident.id, kinds=(EventKind.ASKED,))
    previews = [load(Preview, dict(each.raw)) for each in Tree(asked[-1].body).trees("previews")] if asked else []
    call = intended.preview.call
    shown = next((each for each in previews if each.call == call), None)
    if shown is None or _is_same(shown, intended):
        return None
    text = f"{call.target} is not what it was when {call.action} was shown and consented to"
    return Refused("changed_since_consent", text)


def _is_same(shown: Preview, intended: Intent) -> bool:
    now = intended.preview
    if _uid(shown.change) != _uid(now.change):
        return False
    edits = isinstance(now.change, ObjectPatch) and not intended.further
    return not edits or _timeless(shown) == _timeless(now)


def _uid(change: Change) -> Uid | None:
    match change:
        case ObjectPatch(uid=uid) | ObjectDeletion(uid=uid) | Eviction(uid=uid):
            return uid
        case ObjectCreation():
            return None


def _timeless(preview: Preview) -> list[str]:
    return [_MOMENT.sub("", line) for line in preview.diff]
