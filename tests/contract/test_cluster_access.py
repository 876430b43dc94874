"""What every cluster does alike: plain objects in memory, the sandbox over HTTP, and a real API server."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi, path_of
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.changes import ObjectDeletion, ObjectPatch, PatchOperation
from kubernaut.domain.errors import ChangeRejected, Conflict, ObjectMissing
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, Uid
from kubernaut.ports import ClusterReader, ClusterWriter
from kubernaut.resources import CONFIG_MAP, DEPLOYMENT, NAMESPACE, SECRET, find_resource

REAL = os.environ.get("KUBERNAUT_TEST_KUBECONFIG", "")  # noqa: TID251  # which cluster the tests may use


@dataclass
class Cluster:
    """One cluster under test, with a namespace of its own."""

    reader: ClusterReader
    writer: ClusterWriter
    namespace: str
    memory: MemoryCluster | None = None
    api: KubernetesApi | None = None

    async def create(self, raw: JsonObject) -> KubeObject:
        if self.memory is not None:
            return self.memory.put(raw)
        assert self.api is not None
        item = KubeObject(raw)
        resource = find_resource(item.text("apiVersion"), item.kind)
        assert resource is not None
        asked = Asked("create", resource, item.name)
        return KubeObject(await self.api.call(asked, "POST", path_of(resource, item.namespace), body=raw))

    async def config_map(self, name: str, **labels: str) -> KubeObject:
        metadata: JsonObject = {"name": name, "namespace": self.namespace, "labels": dict(labels)}
        return await self.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}})

    async def deployment(self, name: str = "web", replicas: int = 0) -> KubeObject:
        spec: JsonObject = {
            "replicas": replicas,
            "paused": True,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "example.com/web:1"}]},
            },
        }
        metadata: JsonObject = {"name": name, "namespace": self.namespace}
        return await self.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


async def over_http(kubeconfig: str, context: str = "") -> AsyncIterator[Cluster]:
    async with KubernetesApi(ClusterOptions(kubeconfig=kubeconfig, context=context)) as api:
        name = f"contract-{uuid4().hex[:8]}"
        cluster = Cluster(KubernetesReader(api), KubernetesWriter(api), name, api=api)
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        yield cluster
        namespace = await cluster.reader.get(ObjectRef("v1", "Namespace", "", name))
        if namespace is not None:
            await cluster.writer.write(ObjectDeletion(namespace.ref, namespace.uid))


@pytest.fixture(params=["memory", "sandbox", pytest.param("real", marks=pytest.mark.cluster)])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    match request.param:
        case "memory":
            memory = MemoryCluster()
            yield Cluster(memory, memory, "shop", memory=memory)
        case "sandbox":
            if importlib.util.find_spec("kubernaut.sandbox.server") is None:
                pytest.skip("the sandbox serves no API yet")
            sandbox_module = importlib.import_module("kubernaut.sandbox")
            async with sandbox_module.Sandbox() as sandbox:
                async for each in over_http(str(sandbox.kubeconfig())):
                    yield each
        case _:
            if not REAL:
                pytest.skip("KUBERNAUT_TEST_KUBECONFIG is not set")
            async for each in over_http(REAL):
                yield each


def patch(item: KubeObject, *operations: PatchOperation, subresource: str = "") -> ObjectPatch:
    return ObjectPatch(item.ref, item.uid, item.resource_version, operations, subresource)


def put(path: str, value: Json) -> PatchOperation:
    return PatchOperation("add", path, value)


async def written(
    cluster: Cluster, item: KubeObject, *operations: PatchOperation, subresource: str = "", dry_run: bool = False
) -> KubeObject:
    """The answer to a patch of the version there is; controllers write the status of a real object in between."""
    for _ in range(10):
        change = patch(await current(cluster, item), *operations, subresource=subresource)
        try:
            after = await cluster.writer.write(change, dry_run=dry_run)
        except Conflict:
            continue
        assert after is not None
        return after
    raise AssertionError(f"{item.ref} never kept still")


async def current(cluster: Cluster, item: KubeObject) -> KubeObject:
    found = await cluster.reader.get(item.ref)
    assert found is not None
    return found


async def test_an_object_that_does_not_exist_is_none(cluster: Cluster) -> None:
    assert await cluster.reader.get(ObjectRef("v1", "ConfigMap", cluster.namespace, "none")) is None


async def test_a_list_is_of_one_namespace_and_fits_the_selectors(cluster: Cluster) -> None:
    await cluster.config_map("one", app="web", tier="a")
    await cluster.config_map("two", app="web", tier="b")
    await cluster.config_map("three", app="db")

    async def names(labels: str = "", fields: str = "") -> set[str]:
        listing = await cluster.reader.list(CONFIG_MAP, cluster.namespace, labels=labels, fields=fields)
        assert listing.complete
        assert listing.resource_version
        return {item.name for item in listing.items} - {"kube-root-ca.crt"}

    assert await names() == {"one", "two", "three"}
    assert await names("app=web") == {"one", "two"}
    assert await names("app=web,tier!=a") == {"two"}
    assert await names("tier in (a, c)") == {"one"}
    assert await names("app,!tier") == {"three"}
    assert await names(fields="metadata.name=two") == {"two"}
    assert {item.kind for item in (await cluster.reader.list(CONFIG_MAP, cluster.namespace)).items} == {"ConfigMap"}


async def test_an_object_of_a_list_is_the_one_that_is_read_alone(cluster: Cluster) -> None:
    await cluster.config_map("one", app="web")
    alone = await cluster.reader.get(ObjectRef("v1", "ConfigMap", cluster.namespace, "one"))
    assert alone is not None
    listing = await cluster.reader.list(CONFIG_MAP, cluster.namespace)
    (listed,) = (item for item in listing.items if item.name == "one")
    for seen in (alone, listed):
        assert seen.ref == ObjectRef("v1", "ConfigMap", cluster.namespace, "one")
        assert seen.labels == seen.mapping("metadata", "labels") == {"app": "web"}
        assert seen.owner is None
        assert seen.mapping("data") == {"a": "1"}
    assert listed.uid == alone.uid


async def test_a_list_that_reaches_its_bound_is_not_complete(cluster: Cluster) -> None:
    for index in range(3):
        await cluster.config_map(f"bound-{index}", bound="yes")
    some = await cluster.reader.list(CONFIG_MAP, cluster.namespace, labels="bound=yes", limit=2)
    assert (len(some.items), some.complete) == (2, False)
    every = await cluster.reader.list(CONFIG_MAP, cluster.namespace, labels="bound=yes", limit=3)
    assert (len(every.items), every.complete) == (3, True)


async def test_a_patch_of_the_version_that_was_read_is_written(cluster: Cluster) -> None:
    item = await cluster.config_map("one", app="web")
    after = await cluster.writer.write(patch(item, put("/metadata/labels/example.com~1team", "pay")))
    assert after is not None
    assert after.labels == {"app": "web", "example.com/team": "pay"}
    assert (await current(cluster, item)).labels == after.labels
    assert after.resource_version != item.resource_version


async def test_a_patch_of_an_older_version_is_a_conflict(cluster: Cluster) -> None:
    item = await cluster.config_map("one")
    await cluster.writer.write(patch(item, put("/data/b", "2")))
    with pytest.raises(Conflict):
        await cluster.writer.write(patch(item, put("/data/c", "3")))
    assert (await current(cluster, item)).mapping("data") == {"a": "1", "b": "2"}


async def test_a_patch_that_does_not_fit_is_rejected(cluster: Cluster) -> None:
    item = await cluster.config_map("one")
    for operation in (
        PatchOperation("remove", "/data/none"),
        PatchOperation("test", "/data/a", "2"),
        put("/metadata/name", "other"),
    ):
        with pytest.raises(ChangeRejected):
            await cluster.writer.write(patch(item, operation))
    assert (await current(cluster, item)).resource_version == item.resource_version


async def test_a_dry_run_answers_with_the_object_and_stores_nothing(cluster: Cluster) -> None:
    item = await cluster.deployment()
    after = await written(cluster, item, put("/spec/replicas", 2), dry_run=True)
    assert after.integer("spec", "replicas") == 2
    assert (await current(cluster, item)).integer("spec", "replicas", default=-1) == 0
    await cluster.writer.write(ObjectDeletion(item.ref, item.uid), dry_run=True)
    assert await cluster.reader.get(item.ref) is not None


async def test_a_write_to_what_is_gone_says_so(cluster: Cluster) -> None:
    ref = ObjectRef("v1", "ConfigMap", cluster.namespace, "gone")
    with pytest.raises(ObjectMissing):
        await cluster.writer.write(ObjectPatch(ref, Uid("u"), "1", (put("/data", {}),)))
    with pytest.raises(ObjectMissing):
        await cluster.writer.write(ObjectDeletion(ref, Uid("u")))


async def test_a_deletion_hits_only_the_uid_it_names(cluster: Cluster) -> None:
    item = await cluster.config_map("one")
    with pytest.raises(Conflict):
        await cluster.writer.write(ObjectDeletion(item.ref, Uid("00000000-0000-0000-0000-000000000000")))
    assert await cluster.reader.get(item.ref) is not None
    assert await cluster.writer.write(ObjectDeletion(item.ref, item.uid)) is None
    assert await cluster.reader.get(item.ref) is None


async def test_the_scale_changes_the_replicas_from_and_to_zero(cluster: Cluster) -> None:
    item = await current(cluster, await cluster.deployment())
    scale = await written(cluster, item, put("/spec/replicas", 3), subresource="scale")
    assert (scale.kind, scale.integer("spec", "replicas")) == ("Scale", 3)
    scaled = await current(cluster, item)
    assert scaled.integer("spec", "replicas") == 3
    with pytest.raises(Conflict):
        await cluster.writer.write(patch(item, put("/spec/replicas", 5), subresource="scale"))
    back = (PatchOperation("test", "/spec/replicas", 3), put("/spec/replicas", 0))
    await written(cluster, item, *back, subresource="scale")
    assert (await current(cluster, item)).at("spec", "replicas") == 0


async def test_a_new_spec_counts_one_generation_up(cluster: Cluster) -> None:
    item = await cluster.deployment()
    after = await written(cluster, item, put("/spec/minReadySeconds", 5))
    assert after.generation == item.generation + 1


async def test_no_value_of_a_secret_is_read_and_every_key_is(cluster: Cluster) -> None:
    metadata: JsonObject = {"name": "db", "namespace": cluster.namespace}
    await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"k": "aHVudGVyMg=="}})
    item = await cluster.reader.get(ObjectRef("v1", "Secret", cluster.namespace, "db"))
    listed = await cluster.reader.list(SECRET, cluster.namespace, fields="metadata.name=db")
    assert item is not None
    assert item.at("data") == listed.items[0].at("data") == {"k": ""}


async def test_a_watch_tells_what_happens_after_the_version_it_starts_from(cluster: Cluster) -> None:
    await cluster.config_map("before")
    start = (await cluster.reader.list(CONFIG_MAP, cluster.namespace)).resource_version
    changes = cluster.reader.watch(CONFIG_MAP, cluster.namespace, resource_version=start)
    item = await cluster.config_map("after")
    await cluster.writer.write(patch(item, put("/data/b", "2")))
    await cluster.writer.write(ObjectDeletion(item.ref, item.uid))
    seen: list[tuple[str, str]] = []
    async with asyncio.timeout(20):
        async for change in changes:
            if change.object.name == "after":
                seen.append((change.type, change.object.name))
            if len(seen) == 3:
                break
    await changes.aclose()  # type: ignore[attr-defined]
    assert [kind for kind, _ in seen] == ["ADDED", "MODIFIED", "DELETED"]


async def test_the_log_of_a_pod_that_is_not_there_is_none(cluster: Cluster) -> None:
    assert await cluster.reader.log(ObjectRef("v1", "Pod", cluster.namespace, "none"), "app") is None


async def test_the_server_has_a_version_and_says_what_we_may(cluster: Cluster) -> None:
    assert (await cluster.reader.version()).startswith("v")
    assert await cluster.reader.may("patch", DEPLOYMENT, cluster.namespace)
    assert await cluster.reader.may("list", NAMESPACE)
    assert await cluster.reader.may("patch", DEPLOYMENT, cluster.namespace, subresource="scale")
