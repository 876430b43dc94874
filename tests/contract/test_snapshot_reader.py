"""A snapshot answers as the cluster did that it was taken of; only what was not saved is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.snapshot.capture import capture, write_archive
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.reader import SnapshotReader
from kubernaut.domain.errors import NotInSnapshot
from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.ports import ClusterReader
from kubernaut.resources import CONFIG_MAP, POD, SECRET

POD_REF = ObjectRef("v1", "Pod", "shop", "web-1")


def config_map(name: str, **labels: str) -> JsonObject:
    metadata: JsonObject = {"name": name, "namespace": "shop", "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def live() -> MemoryCluster:
    status: JsonObject = {"containerStatuses": [{"name": "app", "ready": False, "restartCount": 2}]}
    cluster = MemoryCluster(
        [
            config_map("one", app="web", tier="a"),
            config_map("two", app="web", tier="b"),
            config_map("three", app="db"),
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "s", "namespace": "shop"},
                "data": {"k": "dg=="},
            },
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "web-1", "namespace": "shop"},
                "spec": {"containers": [{"name": "app"}]},
                "status": status,
            },
        ]
    )
    cluster.logs[(POD_REF, "app", True)] = "".join(f"line {number}\n" for number in range(500))
    return cluster


@pytest.fixture(params=["live", "snapshot"])
async def reader(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ClusterReader]:
    cluster = live()
    if request.param == "live":
        yield cluster
        return
    manifest, captured = await capture(cluster, ManualClock(), "", made_by="a test", say=lambda _: None)
    write_archive(tmp_path / "s.tar.gz", manifest, captured)
    yield SnapshotReader(read_snapshot(tmp_path / "s.tar.gz"))


async def test_an_object_is_found_by_its_address_and_one_that_was_not_there_is_none(reader: ClusterReader) -> None:
    kept = await reader.get(ObjectRef("v1", "ConfigMap", "shop", "one"))
    assert kept is not None
    assert kept.mapping("data") == {"a": "1"}
    assert await reader.get(ObjectRef("v1", "ConfigMap", "shop", "none")) is None


async def test_a_list_is_of_one_namespace_and_fits_the_selectors(reader: ClusterReader) -> None:
    async def names(labels: str = "", fields: str = "") -> set[str]:
        listing = await reader.list(CONFIG_MAP, "shop", labels=labels, fields=fields)
        assert listing.complete
        return {item.name for item in listing.items}

    assert await names() == {"one", "two", "three"}
    assert await names("app=web,tier!=a") == {"two"}
    assert await names("tier in (a, c)") == {"one"}
    assert await names(fields="metadata.name=two") == {"two"}
    assert (await reader.list(CONFIG_MAP, "elsewhere")).items == ()


async def test_a_list_that_reaches_its_bound_is_not_complete(reader: ClusterReader) -> None:
    some = await reader.list(CONFIG_MAP, "shop", limit=2)
    assert (len(some.items), some.complete) == (2, False)
    assert (await reader.list(CONFIG_MAP, "shop", limit=3)).complete


async def test_values_of_secrets_do_not_come_out(reader: ClusterReader) -> None:
    (secret,) = (await reader.list(SECRET)).items
    assert secret.at("data") == {"k": ""}


async def test_a_log_has_its_last_lines_and_the_other_run_has_none(reader: ClusterReader) -> None:
    assert await reader.log(POD_REF, "app", previous=True, tail_lines=2) == "line 498\nline 499\n"
    assert await reader.log(POD_REF, "app") is None


async def test_a_watch_begins_with_what_is_there(reader: ClusterReader) -> None:
    stream = reader.watch(POD, "shop")
    assert (await anext(stream)).object.name == "web-1"


async def test_the_version_is_the_servers(reader: ClusterReader) -> None:
    assert await reader.version() == "v0.0.0-memory"


async def test_what_was_not_saved_is_never_an_empty_answer(tmp_path: Path) -> None:
    path = tmp_path / "pod.json"
    path.write_text('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}}')
    reader = SnapshotReader(read_snapshot(path))
    assert not (await reader.list(POD, "shop")).complete
    with pytest.raises(NotInSnapshot):
        await reader.list(CONFIG_MAP, "shop")
    with pytest.raises(NotInSnapshot):
        await reader.get(ObjectRef("v1", "Pod", "shop", "web-2"))
    with pytest.raises(NotInSnapshot):
        await reader.log(POD_REF, "app")
    assert not await reader.may("patch", POD)
