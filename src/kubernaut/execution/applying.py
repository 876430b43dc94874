"""The one way in which a decided change reaches the cluster, once.

`apply` may run again after a crash at any point. It first looks whether the change is there already. The write itself
carries the resourceVersion, uid or mark that tells it apart, so a request that was lost on the way and lands late, or a
second replica that does the same, meets a version that is gone. When somebody else changed the object meanwhile, the
change is taken again only if what people write in it is still what it was decided on and the action's preconditions
still hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kubernaut.domain.changes import MARK, Change, Eviction, ObjectCreation, ObjectDeletion, ObjectPatch
from kubernaut.domain.errors import ChangeRejected, ClusterUnavailable, Conflict, Forbidden, ObjectMissing
from kubernaut.domain.execution import Applied, Execution, Intent, Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.snapshots import content_of, drifted, is_undone, was_made_by_others
from kubernaut.execution.preconditions import owned
from kubernaut.execution.previewing import ATTEMPTS, ExecutionPorts


async def apply_part(ports: ExecutionPorts, intent: Intent, *, first: bool = True) -> Execution:
    """One change done, found done already, or refused with the reason. `first` asks the action's preconditions again.

    Raises what is worth another try: `ClusterThrottled`, and `ClusterUnavailable` where nobody knows what was done.
    """
    target = intent.preview.change.target
    warnings: list[str] = []
    for _ in range(ATTEMPTS):
        # Read for each attempt: what a lost answer left behind is found here and not written a second time.
        now = await ports.reader.get(target)
        if is_applied(intent, now):
            return _found(ports, intent, now)
        reason = _unfit(intent, now) or (await _unprepared(ports, intent) if first else None)
        if reason is None:
            # The checks above were made on this very version, and the server takes the change at no other.
            change = at_version(intent.preview.change, now)
            reason = await write_once(ports, change, lambda seen: is_applied(intent, seen), warnings.append)
            if reason is None:
                return _ended(ports, intent, Applied.DONE, warnings=warnings)
        if reason:
            return _ended(ports, intent, Applied.REFUSED, reason)
    return _ended(ports, intent, Applied.REFUSED, f"changed meanwhile: {target} keeps changing, so nothing was done")


def is_applied(intent: Intent, now: KubeObject | None) -> bool:
    """Whether the object already is as the intent wants it."""
    match intent.preview.change:
        case ObjectDeletion(uid=uid) | Eviction(uid=uid):
            # Marked for deletion is enough: from then on the kubelet and finalizers decide how long it takes, and
            # nobody can stop it.
            return now is None or now.uid != uid or now.has("metadata", "deletionTimestamp")
        case ObjectPatch() as change:
            # The values and not the version tell: controllers write the status in between, and the change is there all
            # the same.
            return now is not None and now.uid == change.uid and drifted(intent, now) is None
        case ObjectCreation(mark=mark):
            return now is not None and now.annotations.get(MARK) == mark


async def write_once(
    ports: ExecutionPorts,
    change: Change,
    is_there: Callable[[KubeObject | None], bool],
    warned: Callable[[str], None] | None = None,
) -> str | None:
    """None where it was written; empty where the object has to be looked at again; else why it was refused.

    Where the answer was lost it looks. What is not there may still come, so the error rises: the engine tries again
    later, looks first, and the late one then meets a version that is gone.
    """
    try:
        await ports.writer.write(change, warned=warned)
    except ObjectMissing as error:
        # For a new object it is the namespace that is missing, and looking again would not bring it.
        return str(error) if isinstance(change, ObjectCreation) else ""
    except Conflict:
        return ""
    # What the server understood and does not want is not tried again: the same change would get the same answer.
    except (ChangeRejected, Forbidden) as error:
        return str(error)
    except ClusterUnavailable:
        # A connection that broke after the server had committed looks just like one that broke before.
        if not is_there(await ports.reader.get(change.target)):
            raise
    return None


def at_version(change: Change, now: KubeObject | None) -> Change:
    """The same change for the version that was just read; a pod, whose status moves, and others go by uid or mark."""
    if now is None:
        return change
    match change:
        case ObjectPatch():
            return replace(change, resource_version=now.resource_version)
        case ObjectDeletion() if change.target.kind != "Pod":
            return replace(change, resource_version=now.resource_version)
        case _:
            return change


def _unfit(intent: Intent, now: KubeObject | None) -> str | None:
    """Why the change does not fit the object any more, None where it does. Hours may lie between intent and write."""
    change = intent.preview.change
    if isinstance(change, ObjectCreation):
        return f"changed meanwhile: somebody else made {change.target}" if now is not None else None
    if now is None:
        return f"{change.target} does not exist any more"
    if now.uid != change.uid:
        return f"changed meanwhile: {change.target} was replaced by another of the same name"
    # Status and metadata are left out: they change all the time, and nobody decided on them.
    before = KubeObject(intent.snapshot)
    decided_on = content_of(before)
    untouched = not isinstance(intent.undo, ObjectPatch) or is_undone(intent.undo, now)
    if decided_on and (content_of(now) != decided_on or not untouched):
        return f"changed meanwhile: the spec of {change.target} is not the one that was diagnosed"
    if now.generation != before.generation:
        # Perhaps by this very change, made before a crash and put back since: it is not made a second time.
        return f"changed meanwhile: the spec of {change.target} was changed and put back"
    return None


async def _unprepared(ports: ExecutionPorts, intent: Intent) -> str | None:
    objection = await ports.objection()
    if objection:
        return f"not begun: {objection}"
    call = intent.preview.call
    prepared = await ports.catalogue[call.action].prepared(ports.reader, call, ports.clock.now())
    if isinstance(prepared, Refused):
        return f"changed meanwhile: {prepared.reason}"
    # Somebody may have put the object under GitOps since the plan was made, hours ago where people had to be asked.
    claim = prepared.claim()
    return f"changed meanwhile: {owned(call, claim).reason}" if claim and intent.stop_gap is None else None


def _found(ports: ExecutionPorts, intent: Intent, now: KubeObject | None) -> Execution:
    """What is made of a change that is there already: what somebody else did is not ours to watch and to take back."""
    change = intent.preview.change
    maker = was_made_by_others(change, now) if isinstance(change, ObjectPatch) and now is not None else ""
    if not maker:
        return _ended(ports, intent, Applied.ALREADY)
    return _ended(ports, intent, Applied.REFUSED, f"changed meanwhile: {maker} made this very change")


def _ended(
    ports: ExecutionPorts, intent: Intent, applied: Applied, reason: str = "", *, warnings: list[str] | None = None
) -> Execution:
    reasons = {Applied.DONE: intent.preview.reach, Applied.ALREADY: "the change was there already"}
    words = reason or reasons.get(applied, "")
    return Execution(intent, applied, words, ports.clock.now(), tuple(warnings or ()))
