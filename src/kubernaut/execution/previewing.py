"""From a call to an intent: the changes, checked and answered by the API server, with nothing written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kubernaut.domain.changes import Eviction, ObjectCreation, ObjectDeletion, ObjectPatch, WayBack, Withdrawal
from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.differences import difference
from kubernaut.domain.errors import ChangeRejected, ClusterThrottled, Conflict, Forbidden, ObjectMissing
from kubernaut.domain.execution import Intent, Preview, Refused
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.domain.snapshots import inverse_of
from kubernaut.execution.catalogue import AnyAction, Catalogue, Part, Prepared
from kubernaut.execution.preconditions import gone, owned
from kubernaut.ports import Clock, ClusterReader, ClusterWriter

# Controllers write status often; whoever loses three times in a row meets a writer that will not let go.
ATTEMPTS: Final = 3
# What a person has to judge before consenting has to fit on a screen.
_MOST_LINES: Final = 60


async def _nothing_objects() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class ExecutionPorts:
    """What execution reads and writes with, and the actions it may take.

    `objection` says just before a remedy is begun why it may not be any more; empty where it may.
    """

    reader: ClusterReader
    writer: ClusterWriter
    clock: Clock
    catalogue: Catalogue
    objection: Callable[[], Awaitable[str]] = _nothing_objects


@dataclass(frozen=True, slots=True)
class _Tried:
    """What the dry run of one part said. `held` is the budget that an eviction would wait for."""

    after: KubeObject | None
    warnings: tuple[str, ...] = ()
    held: str = ""


@dataclass(frozen=True, slots=True)
class Owners:
    """What is known about the owners of a target beside what it says itself.

    `stop_gap` says that a policy lets the change be made though its owner will put it back.
    """

    rewriters: frozenset[str] = frozenset()
    stop_gap: bool = False


NOTHING_KNOWN: Final = Owners()


async def intend(ports: ExecutionPorts, call: ActionCall, owners: Owners = NOTHING_KNOWN) -> Intent | Refused:
    """What would be done, by a server-side dry run of the very changes, or why it cannot be.

    What an owner would put back is refused, unless it is wanted as a stop-gap.
    Raises `InputError` for a call that does not fit the catalogue, and retryable `ClusterError`s.
    """
    action = ports.catalogue[call.action]
    for _ in range(ATTEMPTS):
        # Anew each time, since a conflict says that the object is not the one that it was prepared for.
        prepared = await action.prepared(ports.reader, call, ports.clock.now())
        if isinstance(prepared, Refused):
            return prepared
        claim = prepared.claim(owners.rewriters)
        if claim is not None and not owners.stop_gap:
            return owned(call, claim)
        try:
            tried = [await _try(ports.writer, part, prepared.parts[:index]) for index, part in _numbered(prepared)]
        except Conflict:
            continue
        except ObjectMissing:
            return gone(call.target)
        except (ChangeRejected, Forbidden) as error:
            return Refused(error.code, str(error), error.help)
        made = _intent(action, call, prepared, tried)
        return made if isinstance(made, Refused) else replace(made, stop_gap=claim)
    return Refused("changing", f"{call.target} changes faster than it can be read")


def _numbered(prepared: Prepared) -> Sequence[tuple[int, Part]]:
    return list(enumerate(prepared.parts))


async def _try(writer: ClusterWriter, part: Part, earlier: Sequence[Part]) -> _Tried:
    change = part.change
    warnings: list[str] = []
    if isinstance(change, ObjectCreation) and any(change.target == other.change.target for other in earlier):
        # Its predecessor still stands while nothing is written: the rest of it is checked under a free name.
        free = replace(change.target, name=f"{change.target.name[:240]}-tried")
        metadata = change.body.get("metadata")
        named: JsonObject = {**(metadata if isinstance(metadata, dict) else {}), "name": free.name}
        change = replace(change, target=free, body={**change.body, "metadata": named})
    try:
        after = await writer.write(change, dry_run=True, warned=warnings.append)
    except ClusterThrottled as error:
        # A budget that is used up now may have room when its turn comes; any other 429 is the server's own load.
        if not isinstance(change, Eviction):
            raise
        return _Tried(None, held=str(error))
    return _Tried(after, tuple(warnings))


def _intent(action: AnyAction, call: ActionCall, prepared: Prepared, tried: Sequence[_Tried]) -> Intent | Refused:
    made = [_part(action, call, prepared, part, seen) for part, seen in zip(prepared.parts, tried, strict=True)]
    if not all(each.preview.diff for each in made):
        # Seen on the server's own answer: a webhook or a defaulting rule may have turned the value back at once.
        return Refused("no_effect", f"{call.target} would be the same afterwards: something undoes the change")
    whole, *further = made
    if not further:
        return whole
    lines = [line for each in made for line in (str(each.preview.change.target), *each.preview.diff)]
    return replace(
        whole,
        preview=replace(whole.preview, diff=tuple(_shortened(lines))),
        further=tuple(further),
        patience_s=int(prepared.patience.total_seconds()),
        together=prepared.together,
    )


def _part(action: AnyAction, call: ActionCall, prepared: Prepared, part: Part, tried: _Tried) -> Intent:
    preview = Preview(call, part.change, tuple(_lines(part, tried)), prepared.reach, tried.warnings)
    # Worked out from the dry run, before anything is touched: afterwards a crash could leave a change without a way
    # back.
    undo = _undo(part, tried.after) if action.reversible and not action.replaced else None
    return Intent(preview, _snapshot(part), undo, after=part.after)


def _undo(part: Part, after: KubeObject | None) -> WayBack | None:
    match part.change:
        case ObjectPatch() as change if part.before is not None and after is not None:
            # Against what the server would store and not what we send, since defaults and webhooks add to it.
            return inverse_of(change, part.before, after)
        case ObjectCreation(target=target, body=body, mark=mark):
            return Withdrawal(target, body, mark)
        case _:
            return part.back


def _lines(part: Part, tried: _Tried) -> Sequence[str]:
    before, after = part.before, tried.after
    match part.change:
        case ObjectDeletion(target=target) | Eviction(target=target):
            owner = before.controller if before else None
            lines = [f"- {target}", *([f"+ a new pod of {owner}"] if owner and target.kind == "Pod" else [])]
            return [*lines, f"  waits: {tried.held}"] if tried.held else lines
        case ObjectCreation(target=target, body=body):
            written = {key: value for key, value in body.items() if key != "metadata"}
            return _shortened([f"+ {target}", *difference(KubeObject({}), KubeObject(written))])
        case ObjectPatch(subresource="scale") if before is not None and after is not None:
            return difference(_replicas(before), _replicas(after))
        case ObjectPatch() if before is not None and after is not None:
            return difference(before, after)
        case _:
            return ()


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return lines if more <= 0 else [*lines[:_MOST_LINES], f"  and {more} more lines"]


def _replicas(item: KubeObject) -> KubeObject:
    return KubeObject({"spec": {"replicas": item.integer("spec", "replicas")}})


def _snapshot(part: Part) -> JsonObject:
    """The object as it was, without managedFields: they are the server's bookkeeping and half of the size.

    Of a pod that is evicted its identity is enough: there is nothing to take back.
    """
    if part.before is None:
        return {}
    snapshot = dict(part.before.raw)
    metadata = snapshot.get("metadata")
    if isinstance(metadata, dict):
        snapshot["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    if isinstance(part.change, Eviction):
        return {key: snapshot[key] for key in ("apiVersion", "kind", "metadata") if key in snapshot}
    return snapshot
