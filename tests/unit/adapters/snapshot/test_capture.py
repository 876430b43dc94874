import json
import stat
import tarfile
from pathlib import Path

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.snapshot.capture import CaptureBudget, Captured, capture, write_archive
from kubernaut.adapters.snapshot.contents import Snapshot
from kubernaut.adapters.snapshot.manifest import Manifest
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.redacting import LAST_APPLIED, Redaction
from kubernaut.domain.errors import Forbidden, InputError
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.resources import RESOURCES
from tests.unit.adapters.snapshot.saved import found

CANARY = "correct-horse-battery"


def pod(name: str = "web-1", *, ready: bool = False) -> JsonObject:
    container: JsonObject = {
        "name": "app",
        "image": "acme/web:1",
        "args": [f"--db-password={CANARY}", "--mode=fast"],
        "env": [{"name": "DB_PASSWORD", "value": CANARY}, {"name": "MODE", "value": "fast"}],
    }
    status: JsonObject = {"name": "app", "ready": ready, "restartCount": 0 if ready else 3, "state": {"running": {}}}
    metadata: JsonObject = {"name": name, "namespace": "shop", "annotations": {"acme.io/token": CANARY, "team": "shop"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container]},
        "status": {"containerStatuses": [status]},
    }


def cluster_with_secrets() -> MemoryCluster:
    cluster = MemoryCluster([pod(), pod("web-2", ready=True)])
    cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "db", "namespace": "shop", "annotations": {LAST_APPLIED: CANARY}},
            "data": {"password": CANARY},
        }
    )
    applied = json.dumps({"spec": {"replicas": 0, "env": [{"name": "API_KEY", "value": CANARY}]}})
    metadata: JsonObject = {"name": "web", "namespace": "shop", "annotations": {LAST_APPLIED: applied}}
    cluster.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": 0}})
    text = f"connecting to postgres://app:{CANARY}@db:5432/shop\nfailed\n"
    for name in ("web-1", "web-2"):
        for previous in (False, True):
            cluster.logs[(ObjectRef("v1", "Pod", "shop", name), "app", previous)] = text
    return cluster


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def taken(
    cluster: MemoryCluster, folder: Path, namespace: str = "", budget: CaptureBudget | None = None
) -> tuple[Manifest, Captured, Snapshot]:
    manifest, captured = await capture(
        cluster, ManualClock(), namespace, made_by="a test", say=lambda _: None, budget=budget or CaptureBudget()
    )
    path = folder / "taken.tar.gz"
    write_archive(path, manifest, captured)
    return manifest, captured, read_snapshot(path)


async def test_no_secret_is_in_the_file_in_any_form(tmp_path: Path) -> None:
    await taken(cluster_with_secrets(), tmp_path)
    with tarfile.open(tmp_path / "taken.tar.gz") as archive:
        members = [archive.extractfile(member) for member in archive]
        assert CANARY.encode() not in b"".join(member.read() for member in members if member)


async def test_what_tells_of_secrets_without_showing_them_stays(tmp_path: Path) -> None:
    _, _, snapshot = await taken(cluster_with_secrets(), tmp_path)
    assert found(snapshot, "Secret", "shop", "db").at("data") == {"password": ""}
    applied = json.loads(found(snapshot, "Deployment", "shop", "web").annotations[LAST_APPLIED])
    assert applied["spec"]["replicas"] == 0
    (container,) = found(snapshot, "Pod", "shop", "web-1").trees("spec", "containers")
    assert [entry.text("name") for entry in container.trees("env")] == ["DB_PASSWORD", "MODE"]
    assert container.trees("env")[1].text("value") == "fast"
    assert container.texts("args") == ["--db-password=***", "--mode=fast"]
    assert found(snapshot, "Pod", "shop", "web-1").annotations["team"] == "shop"


def test_a_secret_that_was_changed_can_still_be_seen_to_have_changed() -> None:
    redaction = Redaction()

    def hidden(value: str) -> object:
        return KubeObject(redaction.object({"env": [{"name": "TOKEN", "value": value}]})).trees("env")[0].at("value")

    assert hidden("one") == hidden("one")
    assert hidden("one") != hidden("two")


async def test_both_runs_of_what_is_not_well_are_kept_and_the_present_run_of_others(tmp_path: Path) -> None:
    manifest, _, snapshot = await taken(cluster_with_secrets(), tmp_path)
    ill, well = ("shop", "web-1", "app"), ("shop", "web-2", "app")
    assert sorted(snapshot.logs) == [(*ill, False), (*ill, True), (*well, False)]
    assert snapshot.logs[(*ill, True)] == "connecting to postgres://***@db:5432/shop\nfailed\n"
    assert manifest.logs == 3


async def test_where_there_is_no_room_for_all_logs_those_of_what_is_not_well_are_kept(tmp_path: Path) -> None:
    manifest, _, snapshot = await taken(cluster_with_secrets(), tmp_path, budget=CaptureBudget(logs=1))
    assert {pod for _, pod, _, _ in snapshot.logs} == {"web-1"}
    assert [gap.what for gap in manifest.left_out] == ["logs of 1 containers"]


async def test_what_could_not_be_read_is_named_in_the_file(tmp_path: Path) -> None:
    cluster = cluster_with_secrets()
    cluster.denied.add(("list", "secrets"))
    manifest, _, snapshot = await taken(cluster, tmp_path)
    assert [gap.what for gap in manifest.left_out] == ["secrets of all namespaces"]
    assert not snapshot.covers("Secret", "shop")
    assert any("secrets" in note for note in snapshot.notes)


async def test_a_list_that_was_cut_does_not_count_as_whole(tmp_path: Path) -> None:
    _, _, snapshot = await taken(cluster_with_secrets(), tmp_path, budget=CaptureBudget(objects=1))
    assert not snapshot.covers("Pod", "shop")
    assert snapshot.covers("Deployment", "shop")


async def test_one_namespace_is_whole_and_others_are_not_known(tmp_path: Path) -> None:
    cluster = cluster_with_secrets()
    cluster.put({**pod(), "metadata": {"name": "other", "namespace": "pay"}})
    _, _, snapshot = await taken(cluster, tmp_path, "shop")
    assert {ref.namespace for ref in snapshot.objects} == {"shop"}
    assert snapshot.covers("Pod", "shop")
    assert not snapshot.covers("Pod", "pay")


async def test_the_file_is_its_owners_alone_and_never_replaces_another(tmp_path: Path) -> None:
    manifest, captured, _ = await taken(cluster_with_secrets(), tmp_path)
    path = tmp_path / "taken.tar.gz"
    assert mode_of(path) == 0o600
    with pytest.raises(InputError, match="exists already"):
        write_archive(path, manifest, captured)
    assert names_in(tmp_path) == ["taken.tar.gz"]


async def test_a_cluster_of_which_nothing_may_be_read_is_an_error(tmp_path: Path) -> None:
    cluster = cluster_with_secrets()
    cluster.denied |= {("list", resource.plural) for resource in RESOURCES}
    with pytest.raises(Forbidden):
        await taken(cluster, tmp_path)


async def test_the_moment_is_the_one_of_the_capture(tmp_path: Path) -> None:
    manifest, _, snapshot = await taken(cluster_with_secrets(), tmp_path)
    assert snapshot.now == manifest.now == ManualClock().now()
    assert snapshot.version == "v0.0.0-memory"
