"""What people did, held against what was proposed: a pure judgement of what was read.

It says who wrote what, by the API server's own bookkeeping, and claims no more. A Deployment whose pods were replaced
by somebody unknown was not mended by itself for sure, so that is not known, and counted as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kubernaut.domain.changes import Eviction, ObjectCreation, ObjectDeletion, ObjectPatch
from kubernaut.domain.differences import difference
from kubernaut.domain.execution import Intent
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.patches import holds, value_at
from kubernaut.domain.proposals import Agreement, Comparison, Known, Proposal, Sight, Written
from kubernaut.domain.provenance import LAST_APPLIED, writers_since
from kubernaut.domain.snapshots import drifted

_MOST_LINES: Final = 20
# A restart's mark holds its time: any later one is the same restart.
_STAMP: Final = "restartedAt"
# managedFields go with the object: of what was deleted or made anew nothing tells by whom.
_NOBODY: Final = "somebody unknown"

Items = Mapping[ObjectRef, KubeObject | None]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is there at the end of the watch.

    `items` are the proposal's objects and those around it; `pods_made` says that pods of the target are younger than
    the proposal. `alert_ended_at` is None while the alert fires.
    """

    first: Sight
    last: Sight
    items: Items
    alert_ended_at: datetime | None = None
    pods_made: bool = False


def compared(proposal: Proposal, found: Findings, *, at: datetime) -> Comparison:
    """How it ended without us."""
    own = own_changes(proposal, found.items)
    elsewhere = _changes_around(proposal, found)
    mended_at, told_by = _mended(found)
    if mended_at is None:
        agreement, reason = Agreement.NOT_HEALED, "the fault lasted for as long as it was watched"
    else:
        agreement, reason = _agreement(proposal, found, own, elsewhere)
    return Comparison(agreement, reason, at, mended_at, told_by, (*own, *elsewhere))


def _mended(found: Findings) -> tuple[datetime | None, str]:
    """When it was over, by whichever says so first: an alert looks back, and some objects cannot be judged."""
    last = found.last
    # What looked well from the beginning cannot be seen to get well; only its alert can tell.
    seen = last.well_since or last.at if last.well and found.first.well is False else None
    told = [(seen, "object"), (found.alert_ended_at, "alert")]
    return min(((moment, by) for moment, by in told if moment is not None), default=(None, ""))


def _agreement(
    proposal: Proposal, found: Findings, own: Sequence[Written], elsewhere: Sequence[Written]
) -> tuple[Agreement, str]:
    name = str(proposal.call.target)
    if own:
        return _of_own(proposal, found.items, ", ".join(dict.fromkeys(change.by for change in own)))
    if elsewhere:
        places = ", ".join(dict.fromkeys(str(change.object) for change in elsewhere))
        return Agreement.ELSEWHERE, f"{name} was left as it was; changed were {places}"
    if found.pods_made:
        return Agreement.NOT_KNOWN, f"pods of {name} were made anew, and the cluster does not say by whose hand"
    count = len(found.items)
    return Agreement.BY_ITSELF, f"nobody changed {name} or what was watched around it ({count} objects in all)"


def _of_own(proposal: Proposal, items: Items, by: str) -> tuple[Agreement, str]:
    name = proposal.call.target
    if proposal.intent is None:
        return Agreement.NOT_KNOWN, f"{by} changed {name}; nothing to compare with: {proposal.refused}"
    if is_done(proposal.intent, items):
        return Agreement.SAME_CHANGE, f"{by} made the change that was proposed"
    if path := touched(proposal.intent, items):
        return Agreement.SAME_FIELD, f"{by} gave {path} another value than was proposed"
    return Agreement.OTHER_CHANGE, f"{by} changed {name}, and not what was proposed"


def own_changes(proposal: Proposal, items: Items) -> tuple[Written, ...]:
    """What was done to the objects of the proposal by anybody but controllers, since it was made."""
    parts = proposal.intent.parts if proposal.intent else ()
    before = {part.preview.change.target: KubeObject(part.snapshot) for part in parts}
    found: list[Written] = []
    for ref in dict.fromkeys([proposal.call.target, *before]):
        if ref in items:
            found += _changed(ref, before.get(ref), items[ref], proposal)
    return tuple(found)


def _changed(ref: ObjectRef, before: KubeObject | None, now: KubeObject | None, proposal: Proposal) -> list[Written]:
    was_there = before is not None and bool(before.uid)
    if now is None:
        return [Written(ref, _NOBODY, None, (f"- {ref}",))] if was_there else []
    if before is not None and was_there and now.uid != before.uid:
        return [Written(ref, _NOBODY, now.created_at, (f"- {ref}", f"+ {ref}"))]
    told = difference(before, now) if before is not None and was_there else ()
    lines = tuple(line for line in told if LAST_APPLIED not in line)[:_MOST_LINES]
    return [Written(ref, author.manager, author.at, lines) for author in writers_since(now, proposal.at)]


def _changes_around(proposal: Proposal, found: Findings) -> tuple[Written, ...]:
    changes: list[Written] = []
    for known in found.first.around:
        now = found.items.get(known.object)
        changes += _changed_around(known, now, proposal)
    return tuple(changes)


def _changed_around(known: Known, now: KubeObject | None, proposal: Proposal) -> list[Written]:
    if now is None:
        return [Written(known.object, _NOBODY, None, (f"- {known.object}",))] if known.uid else []
    writers = writers_since(now, proposal.at)
    if not writers and now.uid != known.uid:
        return [Written(known.object, _NOBODY, now.created_at, (f"+ {known.object}",))]
    return [Written(known.object, author.manager, author.at) for author in writers]


def is_done(intent: Intent, items: Items) -> bool:
    """Whether everything is as the proposal would have made it."""
    return all(_part_is_done(part, items.get(part.preview.change.target)) for part in intent.parts)


def _part_is_done(part: Intent, now: KubeObject | None) -> bool:
    match part.preview.change:
        case ObjectDeletion(uid=uid) | Eviction(uid=uid):
            # Another pod of the name is what the deletion was for.
            return now is None or now.uid != uid
        case ObjectCreation():
            return now is not None
        case ObjectPatch(uid=uid) as change:
            if now is None or now.uid != uid:
                return False
            stamps = all(entry.path.endswith(_STAMP) for entry in change.operations if entry.op != "test")
            return bool(_touched(part, now)) if stamps else drifted(part, now) is None


def touched(intent: Intent, items: Items) -> str:
    """The first field that the proposal wanted to change and that is not what it was; empty where none is."""
    return next((path for part in intent.parts if (path := _touched(part, items.get(_target(part))))), "")


def _target(part: Intent) -> ObjectRef:
    return part.preview.change.target


def _touched(part: Intent, now: KubeObject | None) -> str:
    change = part.preview.change
    if now is None or not isinstance(change, ObjectPatch) or now.uid != change.uid:
        return ""
    paths = (entry.path for entry in change.operations if entry.op != "test")
    return next((path for path in paths if not holds(now.raw, path, value_at(part.snapshot, path))), "")
