"""Takes a change back: what it touched, and nothing that somebody else has done since."""

from __future__ import annotations

from kubernaut.domain.changes import ObjectPatch
from kubernaut.domain.execution import Applied, Execution, Intent
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.snapshots import changed_since, is_undone
from kubernaut.execution.applying import at_version, write_once
from kubernaut.execution.previewing import ATTEMPTS, ExecutionPorts


async def undo(ports: ExecutionPorts, intent: Intent) -> Execution:
    """The touched fields as they were before, found so already, or refused with the reason.

    Raises what is worth another try, as `apply` does; running it again is safe.
    """
    way_back = intent.undo
    if way_back is None:
        action = ports.catalogue[intent.preview.call.action]
        return _ended(ports, intent, Applied.REFUSED, f"nothing to take back: {action.undo}")
    for _ in range(ATTEMPTS):
        now = await ports.reader.get(way_back.target)
        if now is not None and _is_back(way_back, now):
            return _ended(ports, intent, Applied.ALREADY, _remaining(intent, now))
        reason = _not_ours(way_back, now)
        if reason is None and now is not None:
            reason = await write_once(ports, at_version(way_back, now), lambda seen: _is_back(way_back, seen))
            if reason is None:
                return await _taken_back(ports, intent, way_back)
        if reason:
            return _ended(ports, intent, Applied.REFUSED, reason)
    return _ended(ports, intent, Applied.REFUSED, f"{way_back.target} keeps changing, so it was not taken back")


async def _taken_back(ports: ExecutionPorts, intent: Intent, way_back: ObjectPatch) -> Execution:
    now = await ports.reader.get(way_back.target)
    if now is None or now.uid != way_back.uid:
        return _ended(ports, intent, Applied.DONE, f"taken back; {way_back.target} was deleted right after")
    return _ended(ports, intent, Applied.DONE, _remaining(intent, now))


def _is_back(way_back: ObjectPatch, now: KubeObject | None) -> bool:
    return now is not None and now.uid == way_back.uid and is_undone(way_back, now)


def _not_ours(way_back: ObjectPatch, now: KubeObject | None) -> str | None:
    if now is None:
        return f"{way_back.target} does not exist any more"
    if now.uid != way_back.uid:
        return f"{way_back.target} was replaced by another of the same name"
    path = changed_since(way_back, now)
    return f"somebody else changed {path} of {way_back.target} since; their value stays" if path else None


def _remaining(intent: Intent, now: KubeObject) -> str:
    if now.at("spec") == intent.snapshot.get("spec"):
        return "equal to the snapshot"
    return "what was changed is back; other fields of the spec were changed by others since"


def _ended(ports: ExecutionPorts, intent: Intent, applied: Applied, reason: str) -> Execution:
    return Execution(intent, applied, reason, ports.clock.now())
