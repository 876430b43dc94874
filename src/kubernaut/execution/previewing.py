"""From a call to an intent: the change, checked and answered by the API server, with nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kubernaut.domain.changes import ObjectDeletion, ObjectPatch
from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.errors import ChangeRejected, Conflict, Forbidden, ObjectMissing
from kubernaut.domain.execution import Intent, Preview, Refused
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.domain.snapshots import inverse_of
from kubernaut.execution.catalogue import AnyAction, Catalogue, Prepared
from kubernaut.execution.differences import difference
from kubernaut.execution.preconditions import gone
from kubernaut.ports import Clock, ClusterReader, ClusterWriter

ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class ExecutionPorts:
    """What execution reads and writes with, and the actions it may take."""

    reader: ClusterReader
    writer: ClusterWriter
    clock: Clock
    catalogue: Catalogue


async def intend(ports: ExecutionPorts, call: ActionCall) -> Intent | Refused:
    """What would be done, by a server-side dry run of the very change, or why it cannot be.

    Raises `InputError` for a call that does not fit the catalogue, and retryable `ClusterError`s.
    """
    action = ports.catalogue[call.action]
    for _ in range(ATTEMPTS):
        prepared = await action.prepared(ports.reader, call, ports.clock.now())
        if isinstance(prepared, Refused):
            return prepared
        try:
            after = await ports.writer.write(prepared.change, dry_run=True)
        except Conflict:
            continue
        except ObjectMissing:
            return gone(call.target)
        except (ChangeRejected, Forbidden) as error:
            return Refused(error.code, str(error), error.help)
        return _intent(action, call, prepared, after)
    return Refused("changing", f"{call.target} changes faster than it can be read")


def _intent(action: AnyAction, call: ActionCall, prepared: Prepared, after: KubeObject | None) -> Intent | Refused:
    snapshot = _snapshot(prepared.before)
    match prepared.change:
        case ObjectDeletion():
            lines: tuple[str, ...] = (f"- {prepared.before.ref}", f"+ a new pod of {prepared.before.controller}")
            return Intent(Preview(call, prepared.change, lines, prepared.reach), snapshot, None)
        case ObjectPatch() as change:
            lines = _lines(change, prepared.before, after)
            if after is None or not lines:
                return Refused("no_effect", f"{call.target} would be the same afterwards: something undoes the change")
            undo = None if action.replaced else inverse_of(change, prepared.before, after)
            return Intent(Preview(call, change, lines, prepared.reach), snapshot, undo)


def _lines(change: ObjectPatch, before: KubeObject, after: KubeObject | None) -> tuple[str, ...]:
    if after is None:
        return ()
    if change.subresource == "scale":
        return difference(_replicas(before), _replicas(after))
    return difference(before, after)


def _replicas(item: KubeObject) -> KubeObject:
    return KubeObject({"spec": {"replicas": item.integer("spec", "replicas")}})


def _snapshot(before: KubeObject) -> JsonObject:
    """The object as it was, without managedFields: they are the server's bookkeeping and half of the size."""
    snapshot = dict(before.raw)
    metadata = snapshot.get("metadata")
    if isinstance(metadata, dict):
        snapshot["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    return snapshot
