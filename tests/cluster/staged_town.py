"""The town of `tests.remedies` on a real API server: real validation, defaulting, admission and RBAC, and nobody else.

There are no controllers, so whatever changes, an action changed. What controllers would have written (status, the
taint of a new node taken off again) is written here, and what a deletion needs of them is done while the action waits.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi, path_of
from kubernaut.domain.changes import MARK
from kubernaut.domain.errors import Conflict, ObjectMissing
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.execution.roles import WRITE
from kubernaut.ports import Resource
from kubernaut.resources import NAMESPACE, NODE, RESOURCES, VOLUME_CLAIM
from tests.remedies import Raw, StillClock, thing, town

T = TypeVar("T")
OPS = "ops"
_MERGE = "application/merge-patch+json"
_SERVER_SIDE = ("uid", "generation", "creationTimestamp", "resourceVersion")
# Owners before what they own; a quota counts nothing that was there before it.
_ORDER = ("Namespace", "ServiceAccount", "", "ReplicaSet", "ControllerRevision", "Secret", "Pod", "ResourceQuota")
_CLASSES = ("StorageClass", "IngressClass")
_CLUSTER_WIDE = ("Node", *_CLASSES)
# Made by others than the town, or rewritten all the time.
_NOT_TOLD = frozenset({"Event", "Endpoints", "EndpointSlice", "Lease", "LimitRange", "ReplicationController", "Role"})
# Written by the API server with every change of a DaemonSet's template; our own mark, which stays.
_COUNTED = frozenset({"deprecated.daemonset.template.generation", MARK})

EXTERNAL_SECRETS: Raw = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "externalsecrets.external-secrets.io"},
    "spec": {
        "group": "external-secrets.io",
        "scope": "Namespaced",
        "names": {"kind": "ExternalSecret", "plural": "externalsecrets", "singular": "externalsecret"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                },
            }
        ],
    },
}


def kubeconfig_with(token: str, like: Path, folder: Path) -> Path:
    """A kubeconfig for that server in which the user is who the token says."""
    content = json.loads(like.read_text())
    content["users"] = [{"name": "holder", "user": {"token": token}}]
    path = folder / "account.kubeconfig"
    path.write_text(json.dumps(content))
    return path


def opened(kubeconfig: Path, **options: float) -> KubernetesApi:
    return KubernetesApi(ClusterOptions(kubeconfig=str(kubeconfig), **options))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Sight:
    """What stood there at a moment."""

    items: Mapping[ObjectRef, KubeObject]

    @property
    def versions(self) -> dict[ObjectRef, str]:
        """The resourceVersion of every object: what a dry run has to leave alone."""
        return {ref: item.resource_version for ref, item in self.items.items()}

    def contents(self, *, pods: bool) -> dict[ObjectRef, JsonObject]:
        """All of it without the server's bookkeeping, as `tests.remedies.contents` has it."""
        found: dict[ObjectRef, JsonObject] = {}
        for ref, item in self.items.items():
            if item.kind == "Pod" and not pods:
                continue
            body = {key: value for key, value in item.raw.items() if key not in {"metadata", "status"}}
            marks: JsonObject = {key: text for key, text in item.annotations.items() if key not in _COUNTED}
            labels: JsonObject = {**item.labels}
            leaves = item.has("metadata", "deletionTimestamp")
            found[ref] = {**body, "labels": labels, "annotations": marks, "leaves": leaves}
        return found


@dataclass
class StagedTown:
    """The town, made and cleared as an administrator."""

    api: KubernetesApi
    uids: dict[tuple[str, str], str] = field(default_factory=dict)
    has_claims: bool = True

    @property
    def reader(self) -> KubernetesReader:
        return KubernetesReader(self.api)

    async def once(self) -> None:
        """What all tests share: the namespaces, the accounts that pods need, and the kind of an operator."""
        for name in ("shop", OPS):
            await self._create(thing("v1", "Namespace", name, ""), tolerant=True)
            await self._create(thing("v1", "ServiceAccount", "default", name), tolerant=True)
        await self._create(EXTERNAL_SECRETS, tolerant=True)
        async with asyncio.timeout(30):
            ref = ObjectRef("external-secrets.io/v1", "ExternalSecret", "shop", "nobody")
            while True:
                try:
                    await self.reader.get(ref)
                except Exception:  # noqa: BLE001  # whatever it says until the kind is served
                    await asyncio.sleep(0.05)
                else:
                    return

    async def build(self, *, of: Iterable[str] = ()) -> None:
        """Makes the town, or only its objects of those kinds."""
        kinds = set(of)
        items = [raw for raw in town() if raw["kind"] != "Namespace" and (not kinds or raw["kind"] in kinds)]
        for kind in _ORDER:
            named = [each for each in items if each["kind"] == kind or (not kind and each["kind"] not in _ORDER)]
            await _together(self._make(dict(each)) for each in named)

    async def clear(self, *, of: Iterable[str] = ()) -> None:
        """Deletes everything that a test may have left in the town, or what is of those kinds, and no other town's."""
        kinds = set(of)
        own = [each for each in RESOURCES if each.namespaced and each.kind not in {"Event", "Endpoints"}]
        secrets = Resource("external-secrets.io/v1", "ExternalSecret", "externalsecrets")
        if kinds:
            await _together(self._delete_all(each, "shop", {}) for each in (*own, secrets) if each.kind in kinds)
            nodes = [KubeObject(raw).ref for raw in town() if raw["kind"] == NODE.kind and NODE.kind in kinds]
            await _together(self.delete(each) for each in nodes)
            return
        accounts = {"fieldSelector": "metadata.name!=default"}
        named = [(each, accounts if each.kind == "ServiceAccount" else {}) for each in (*own, secrets)]
        wide = [each for each in RESOURCES if each.kind in _CLUSTER_WIDE]
        await _together(self._delete_all(each, "shop", params) for each, params in named)
        await _together(self._delete_all(each, "", {}) for each in wide)
        await self.finish_deletions()

    async def finish_deletions(self) -> None:
        """What the controller of volume protection does: nothing uses the claims, so they may go."""
        if not self.has_claims:
            return
        for item in (await self.reader.list(VOLUME_CLAIM, "shop")).items:
            if item.has("metadata", "deletionTimestamp"):
                await self._patch(item.ref, {"metadata": {"finalizers": None}})

    async def delete(self, ref: ObjectRef) -> None:
        """What somebody else does; nothing where it is not there."""
        resource = await self.api.resource_of(ref)
        path = path_of(resource, ref.namespace, ref.name)
        with suppress(ObjectMissing):
            await self.api.call(Asked("delete", resource, str(ref)), "DELETE", path, body={"gracePeriodSeconds": 0})
        await self.finish_deletions()

    async def allow(self, *documents: JsonObject) -> None:
        for document in documents:
            await self._create(document)

    async def token_of(self, account: str) -> str:
        await self._create(thing("v1", "ServiceAccount", account, OPS))
        path = f"/api/v1/namespaces/{OPS}/serviceaccounts/{account}/token"
        asked = Asked("create", Resource("authentication.k8s.io/v1", "TokenRequest", "tokenrequests"), account)
        answer = await self.api.call(asked, "POST", path, body={"spec": {"expirationSeconds": 3600}})
        return KubeObject(answer).text("status", "token")

    async def look(self, *, at: Iterable[str] = ()) -> Sight:
        """Everything that people write, or only what is of those kinds."""
        kinds = set(at)
        told = [each for each in RESOURCES if each.namespaced and each.kind not in _NOT_TOLD]
        own = [each for each in told if not kinds or each.kind in kinds]
        nodes = [NODE] if not kinds or NODE.kind in kinds else []
        listed = await _together(self.reader.list(each, "shop" if each in own else "") for each in (*own, *nodes))
        items = (item for listing in listed for item in listing.items)
        # The account's own rights are given while the test runs.
        return Sight({item.ref: item for item in items if not item.name.startswith(WRITE)})

    async def _make(self, raw: Raw) -> None:
        body = copy.deepcopy(raw)
        status = body.pop("status", None)
        for entry in body["metadata"].get("ownerReferences", []):
            entry["uid"] = self.uids[entry["kind"], entry["name"]]
        # Classes are all towns' together, and nothing changes one.
        made = KubeObject(await self._create(body, tolerant=raw["kind"] in _CLASSES))
        self.uids[made.kind, made.name] = made.uid
        if made.kind == "Node":
            # The API server taints a new node until a controller finds it ready.
            await self._patch(made.ref, {"spec": {"taints": raw["spec"].get("taints")}})
        if status is not None:
            await self._patch(made.ref, {"status": status}, "status")

    async def _create(self, raw: JsonObject, *, tolerant: bool = False) -> JsonObject:
        body = copy.deepcopy(raw)
        metadata = body["metadata"]
        assert isinstance(metadata, dict)
        for key in _SERVER_SIDE:
            metadata.pop(key, None)
        ref = KubeObject(body).ref
        resource = await self.api.resource_of(ref)
        asked = Asked("create", resource, str(ref))
        try:
            return await self.api.call(asked, "POST", path_of(resource, ref.namespace), body=body)
        except Conflict:
            if not tolerant:
                raise
            return body

    async def _patch(self, ref: ObjectRef, body: JsonObject, subresource: str = "") -> None:
        resource = await self.api.resource_of(ref)
        asked = Asked("patch", resource, str(ref), subresource)
        path = path_of(resource, ref.namespace, ref.name, subresource)
        await self.api.call(asked, "PATCH", path, body=body, content_type=_MERGE)

    async def _delete_all(self, resource: Resource, namespace: str, params: dict[str, str]) -> None:
        body: JsonObject = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        asked = Asked("delete", resource, f"all {resource.plural}")
        await self.api.call(asked, "DELETE", path_of(resource, namespace), params=params, body=body)


class PassingClock(StillClock):
    """Jumps over what is slept; meanwhile the controllers finish what was begun."""

    def __init__(self, town: StagedTown) -> None:
        self.moment = datetime.now(UTC)
        self._town = town

    async def sleep(self, duration: timedelta) -> None:
        await super().sleep(duration)
        await self._town.finish_deletions()


class OlderNamespaces(KubernetesReader):
    """Reads namespaces as if they had been there for a month: the API server takes no other creation time than now."""

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        found = await super().get(ref)
        if found is None or ref.kind != NAMESPACE.kind or found.created_at is None:
            return found
        made = (found.created_at - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata: JsonObject = {**found.tree("metadata").raw, "creationTimestamp": made}
        return KubeObject({**found.raw, "metadata": metadata})


async def _together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]
