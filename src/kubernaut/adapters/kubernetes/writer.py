"""Writes to a real API server."""

from __future__ import annotations

from collections.abc import Callable

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.requests import KubernetesApi, check_subject, path_of
from kubernaut.adapters.kubernetes.secrets import without_values
from kubernaut.domain.changes import (
    FIELD_MANAGER,
    Change,
    Eviction,
    ObjectCreation,
    ObjectDeletion,
    ObjectPatch,
    PatchOperation,
)
from kubernaut.domain.objects import Json, JsonObject, KubeObject


class KubernetesWriter:
    """`ClusterWriter` over HTTP."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        """The object after the change (the Scale after a change of that subresource); None after a deletion."""
        resource = await self._api.resource_of(change.target)
        match change:
            case ObjectPatch():
                asked = Asked("patch", resource, str(change.target), change.subresource)
                raw = await self._patch(change, asked, _params(dry_run=dry_run))
                check_subject(raw, asked, change.target, uid=change.uid)
            case ObjectCreation():
                asked = Asked("create", resource, str(change.target))
                raw = await self._create(change, asked, _params(dry_run=dry_run))
                check_subject(raw, asked, change.target, kind=change.target.kind)
            case Eviction():
                asked = Asked("create", resource, str(change.target), "eviction")
                raw = await self._evict(change, asked, dry_run=dry_run)
            case ObjectDeletion():
                asked = Asked("delete", resource, str(change.target))
                raw = await self._delete(change, asked, dry_run=dry_run)
        for warning in asked.warnings:
            if warned is not None:
                warned(warning)
        return KubeObject(without_values(raw)) if isinstance(change, ObjectPatch | ObjectCreation) else None

    async def _patch(self, change: ObjectPatch, asked: Asked, params: dict[str, str]) -> JsonObject:
        # Writing the version that was read makes the server answer 409 when it is not the current one; a `test`
        # operation would answer 422, which cannot be told from a change that is wrong in itself.
        pin = PatchOperation("replace", "/metadata/resourceVersion", change.resource_version)
        body: Json = [_operation(operation) for operation in (pin, *change.operations)]
        return await self._api.call(
            asked,
            "PATCH",
            path_of(asked.resource, change.target.namespace, change.target.name, change.subresource),
            params=params,
            body=body,
            content_type="application/json-patch+json",
        )

    async def _create(self, change: ObjectCreation, asked: Asked, params: dict[str, str]) -> JsonObject:
        body: JsonObject = {"apiVersion": change.target.api_version, "kind": change.target.kind, **change.body}
        path = path_of(asked.resource, change.target.namespace)
        return await self._api.call(asked, "POST", path, params=params, body=body)

    async def _evict(self, change: Eviction, asked: Asked, *, dry_run: bool) -> JsonObject:
        # A pod of a StatefulSet comes back under the same name, and must not be evicted for the sins of the former.
        options: JsonObject = {"preconditions": {"uid": change.uid}}
        if dry_run:
            options["dryRun"] = ["All"]
        metadata: JsonObject = {"name": change.target.name, "namespace": change.target.namespace}
        body: JsonObject = {
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options
        }  # fmt: skip
        path = path_of(asked.resource, change.target.namespace, change.target.name, "eviction")
        # In both places alike: the server refuses an eviction whose query and options differ in this.
        params = {"dryRun": "All"} if dry_run else {}
        return await self._api.call(asked, "POST", path, params=params, body=body)

    async def _delete(self, change: ObjectDeletion, asked: Asked, *, dry_run: bool) -> JsonObject:
        pinned: JsonObject = {"uid": change.uid}
        if change.resource_version:
            pinned["resourceVersion"] = change.resource_version
        body: JsonObject = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": pinned}
        # A Job that is deleted without it leaves its pods running.
        body["propagationPolicy"] = "Background"
        if change.grace_period_s is not None:
            body["gracePeriodSeconds"] = change.grace_period_s
        if dry_run:
            body["dryRun"] = ["All"]
        path = path_of(asked.resource, change.target.namespace, change.target.name)
        return await self._api.call(asked, "DELETE", path, body=body)


def _params(*, dry_run: bool) -> dict[str, str]:
    # Strict, so that a field that this server does not know is an error and not silently dropped.
    params = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    if dry_run:
        params["dryRun"] = "All"
    return params


def _operation(operation: PatchOperation) -> JsonObject:
    entry: JsonObject = {"op": operation.op, "path": operation.path}
    if operation.op != "remove":
        entry["value"] = operation.value
    return entry
