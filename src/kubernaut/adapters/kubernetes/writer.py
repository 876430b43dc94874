"""Writes to a real API server."""

from __future__ import annotations

from typing import Final

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.requests import KubernetesApi, path_of
from kubernaut.adapters.kubernetes.secrets import without_values
from kubernaut.domain.changes import Change, ObjectDeletion, ObjectPatch, PatchOperation
from kubernaut.domain.objects import Json, JsonObject, KubeObject

FIELD_MANAGER: Final = "kubernaut"


class KubernetesWriter:
    """`ClusterWriter` over HTTP."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def write(self, change: Change, *, dry_run: bool = False) -> KubeObject | None:
        """The object after the change (the Scale after a change of that subresource); None after a deletion."""
        match change:
            case ObjectPatch():
                return await self._patch(change, dry_run=dry_run)
            case ObjectDeletion():
                await self._delete(change, dry_run=dry_run)
                return None

    async def _patch(self, change: ObjectPatch, *, dry_run: bool) -> KubeObject:
        resource = await self._api.resource_of(change.target)
        asked = Asked("patch", resource, str(change.target), change.subresource)
        params = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            params["dryRun"] = "All"
        # Writing the version that was read makes the server answer 409 when it is not the current one; a `test`
        # operation would answer 422, which cannot be told from a change that is wrong in itself.
        pin = PatchOperation("replace", "/metadata/resourceVersion", change.resource_version)
        body: Json = [_operation(operation) for operation in (pin, *change.operations)]
        raw = await self._api.call(
            asked,
            "PATCH",
            path_of(resource, change.target.namespace, change.target.name, change.subresource),
            params=params,
            body=body,
            content_type="application/json-patch+json",
        )
        return KubeObject(without_values(raw))

    async def _delete(self, change: ObjectDeletion, *, dry_run: bool) -> None:
        resource = await self._api.resource_of(change.target)
        body: JsonObject = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": change.uid}}
        if change.grace_period_s is not None:
            body["gracePeriodSeconds"] = change.grace_period_s
        if dry_run:
            body["dryRun"] = ["All"]
        asked = Asked("delete", resource, str(change.target))
        await self._api.call(asked, "DELETE", path_of(resource, change.target.namespace, change.target.name), body=body)


def _operation(operation: PatchOperation) -> JsonObject:
    entry: JsonObject = {"op": operation.op, "path": operation.path}
    if operation.op != "remove":
        entry["value"] = operation.value
    return entry
