"""Takes a change back: what it touched, and nothing that somebody else has done since."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from kubernaut.domain.changes import MARK, ObjectCreation, ObjectDeletion, ObjectPatch, WayBack, Withdrawal
from kubernaut.domain.execution import Applied, Execution, Intent
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.snapshots import changed_since, content_of, declared_since, is_as_made, is_undone
from kubernaut.execution.applying import at_version, write_once
from kubernaut.execution.previewing import ATTEMPTS, ExecutionPorts

_PAUSE: Final = timedelta(seconds=2)
# Twice the usual grace of pods, after which a finalizer holds the object and only people can tell why.
_LEAVES_WITHIN: Final = timedelta(seconds=60)


async def undo_part(ports: ExecutionPorts, intent: Intent) -> Execution:
    """The touched fields as they were before, found so already, or refused with the reason.

    Raises what is worth another try, as `apply_part` does; running it again is safe.
    """
    way_back = intent.undo
    if way_back is None:
        action = ports.catalogue[intent.preview.call.action]
        # Refused and not done: whoever reads the story must not believe that something was put back.
        return _ended(ports, intent, Applied.REFUSED, f"nothing to take back: {action.undo}")
    for _ in range(ATTEMPTS):
        now = await _once_gone(ports, way_back)
        if _is_back(way_back, now):
            return _ended(ports, intent, Applied.ALREADY, _remaining(intent, now))
        reason = _not_ours(way_back, now)
        if reason is None:
            reason = await write_once(ports, _change_of(way_back, now), lambda seen: _is_back(way_back, seen))
            if reason is None:
                return await _taken_back(ports, intent, way_back)
        if reason:
            return _ended(ports, intent, Applied.REFUSED, reason)
    return _ended(ports, intent, Applied.REFUSED, f"{way_back.target} keeps changing, so it was not taken back")


async def _once_gone(ports: ExecutionPorts, way_back: WayBack) -> KubeObject | None:
    """The object as it is now; where it is to be made again and its successor is on its way out, once that is gone.

    A claim, for one, stays until its controller has seen that nobody uses it.
    """
    now = await ports.reader.get(way_back.target)
    for _ in range(_LEAVES_WITHIN // _PAUSE):
        if not isinstance(way_back, ObjectCreation) or now is None or not now.has("metadata", "deletionTimestamp"):
            break
        await ports.clock.sleep(_PAUSE)
        now = await ports.reader.get(way_back.target)
    return now


async def _taken_back(ports: ExecutionPorts, intent: Intent, way_back: WayBack) -> Execution:
    if not isinstance(way_back, ObjectPatch):
        return _ended(ports, intent, Applied.DONE, _remaining(intent, None))
    now = await ports.reader.get(way_back.target)
    if now is None or now.uid != way_back.uid:
        return _ended(ports, intent, Applied.DONE, f"taken back; {way_back.target} was deleted right after")
    return _ended(ports, intent, Applied.DONE, _remaining(intent, now))


def _change_of(way_back: WayBack, now: KubeObject | None) -> ObjectPatch | ObjectCreation | ObjectDeletion:
    match way_back:
        case ObjectPatch():
            # Its own `test` operations guard the touched values; the version guards what happens between the look and
            # the write.
            return at_version(way_back, now)  # type: ignore[return-value]  # a patch stays a patch
        case ObjectCreation():
            return way_back
        case Withdrawal(target=target):
            # By the uid and the version that were just seen with our mark: another object of that name is left alone.
            seen = now or KubeObject({})
            return ObjectDeletion(target, seen.uid, resource_version=seen.resource_version)


def _is_back(way_back: WayBack, now: KubeObject | None) -> bool:
    match way_back:
        case ObjectPatch():
            return now is not None and now.uid == way_back.uid and is_undone(way_back, now)
        case ObjectCreation(mark=mark):
            return now is not None and now.annotations.get(MARK) == mark
        case Withdrawal(mark=mark):
            # One without our mark is somebody else's, so ours is gone.
            return now is None or now.annotations.get(MARK) != mark or now.has("metadata", "deletionTimestamp")


def _not_ours(way_back: WayBack, now: KubeObject | None) -> str | None:
    match way_back:
        case ObjectCreation():
            if now is None:
                return None
            # Made by somebody else means that the name is taken by what people want now; ours would fight with it.
            leaving = now.has("metadata", "deletionTimestamp")
            what = "is still being deleted" if leaving else "was made by somebody else since"
            return f"{way_back.target} {what}"
        case Withdrawal():
            kept = now is None or is_as_made(way_back, now)
            return None if kept else f"somebody else changed {way_back.target} since; it stays"
        case ObjectPatch():
            return _changed_by_others(way_back, now)


def _changed_by_others(way_back: ObjectPatch, now: KubeObject | None) -> str | None:
    if now is None:
        return f"{way_back.target} does not exist any more"
    if now.uid != way_back.uid:
        return f"{way_back.target} was replaced by another of the same name"
    # Their hand was the later one and may be the repair: undoing over it would bring the fault back.
    path = changed_since(way_back, now)
    if path:
        return f"somebody else changed {path} of {way_back.target} since; their value stays"
    declared = declared_since(way_back, now)
    return f"{declared} of {way_back.target} since; their value stays, which is the same" if declared else None


def _remaining(intent: Intent, now: KubeObject | None) -> str:
    match intent.undo:
        case Withdrawal(target=target):
            return f"{target} is deleted again"
        case ObjectCreation(target=target):
            return f"{target} is there again as it was"
        case _:
            pass
    if now is not None and content_of(now) == content_of(KubeObject(intent.snapshot)):
        return "equal to the snapshot"
    return "what was changed is back; other fields of the spec were changed by others since"


def _ended(ports: ExecutionPorts, intent: Intent, applied: Applied, reason: str) -> Execution:
    return Execution(intent, applied, reason, ports.clock.now())
