"""The one way in which a decided change reaches the cluster, once.

`apply` may run again after a crash at any point. It first looks whether the change is there already. The write itself
carries the resourceVersion (or uid) that was read, so a request that was lost on the way and lands late, or a second
replica that does the same, meets a version that is gone. When somebody else changed the object meanwhile, the change
is taken again only if the spec is still the one it was decided on and the action's preconditions still hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kubernaut.domain.changes import Change, ObjectDeletion, ObjectPatch
from kubernaut.domain.errors import ChangeRejected, ClusterUnavailable, Conflict, Forbidden, ObjectMissing
from kubernaut.domain.execution import Applied, Execution, Intent, Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.snapshots import drifted
from kubernaut.execution.previewing import ATTEMPTS, ExecutionPorts


async def apply(ports: ExecutionPorts, intent: Intent) -> Execution:
    """The change done, found done already, or refused with the reason.

    Raises what is worth another try: `ClusterThrottled`, and `ClusterUnavailable` where nobody knows what was done.
    """
    target = intent.preview.change.target
    for _ in range(ATTEMPTS):
        now = await ports.reader.get(target)
        if is_applied(intent, now):
            return _ended(ports, intent, Applied.ALREADY)
        reason = await _unfit(ports, intent, now)
        if reason is None and now is not None:
            change = at_version(intent.preview.change, now)
            reason = await write_once(ports, change, lambda seen: is_applied(intent, seen))
            if reason is None:
                return _ended(ports, intent, Applied.DONE)
        if reason:
            return _ended(ports, intent, Applied.REFUSED, reason)
    return _ended(ports, intent, Applied.REFUSED, f"changed meanwhile: {target} keeps changing, so nothing was done")


def is_applied(intent: Intent, now: KubeObject | None) -> bool:
    """Whether the object already is as the intent wants it."""
    match intent.preview.change:
        case ObjectDeletion(uid=uid):
            return now is None or now.uid != uid or now.has("metadata", "deletionTimestamp")
        case ObjectPatch() as change:
            return now is not None and now.uid == change.uid and drifted(intent, now) is None


async def write_once(
    ports: ExecutionPorts, change: Change, is_there: Callable[[KubeObject | None], bool]
) -> str | None:
    """None where it was written; empty where the object has to be looked at again; else why it was refused.

    Where the answer was lost it looks. What is not there may still come, so the error rises: the engine tries again
    later, looks first, and the late one then meets a version that is gone.
    """
    try:
        await ports.writer.write(change)
    except (Conflict, ObjectMissing):
        return ""
    except (ChangeRejected, Forbidden) as error:
        return str(error)
    except ClusterUnavailable:
        if not is_there(await ports.reader.get(change.target)):
            raise
    return None


def at_version(change: Change, now: KubeObject) -> Change:
    """The same change for the version that was just read; a deletion goes by uid alone."""
    match change:
        case ObjectPatch():
            return replace(change, resource_version=now.resource_version)
        case ObjectDeletion():
            return change


async def _unfit(ports: ExecutionPorts, intent: Intent, now: KubeObject | None) -> str | None:
    """Why the change does not fit the cluster any more, None where it does. Hours may lie between intent and write."""
    change = intent.preview.change
    if now is None:
        return f"{change.target} does not exist any more"
    if now.uid != change.uid:
        return f"changed meanwhile: {change.target} was replaced by another of the same name"
    if now.at("spec") != intent.snapshot.get("spec"):
        return f"changed meanwhile: the spec of {change.target} is not the one that was diagnosed"
    call = intent.preview.call
    prepared = await ports.catalogue[call.action].prepared(ports.reader, call, ports.clock.now())
    if isinstance(prepared, Refused):
        return f"changed meanwhile: {prepared.reason}"
    return None


def _ended(ports: ExecutionPorts, intent: Intent, applied: Applied, reason: str = "") -> Execution:
    reasons = {Applied.DONE: intent.preview.reach, Applied.ALREADY: "the change was there already"}
    return Execution(intent, applied, reason or reasons.get(applied, ""), ports.clock.now())
