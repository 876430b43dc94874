import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubernaut.adapters.snapshot import objects as saved_objects
from kubernaut.domain.errors import SnapshotError
from tests.unit.adapters.snapshot.saved import found, saved

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}}


def listed(kind: str, *items: dict[str, object], version: str = "v1") -> str:
    return json.dumps({"apiVersion": version, "kind": kind, "items": list(items)})


def bare(name: str, namespace: str) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": namespace}}


def test_the_items_of_a_typed_list_get_the_kind_of_the_list(tmp_path: Path) -> None:
    snapshot = saved(tmp_path, pods_json=listed("PodList", bare("web-1", "shop")))
    assert found(snapshot, "Pod", "shop", "web-1").text("apiVersion") == "v1"


def test_a_list_counts_as_whole_for_its_namespace_and_for_all_when_it_has_several(tmp_path: Path) -> None:
    snapshot = saved(
        tmp_path,
        pods_json=listed("PodList", bare("web-1", "shop")),
        sets_json=listed("DeploymentList", bare("a", "shop"), bare("b", "pay"), version="apps/v1"),
    )
    assert snapshot.covers("Pod", "shop")
    assert not snapshot.covers("Pod", "pay")
    assert snapshot.covers("Deployment", "anywhere")


def test_a_single_object_is_no_list(tmp_path: Path) -> None:
    assert not saved(tmp_path, pod_json=json.dumps(POD)).covers("Pod", "shop")


def test_an_empty_list_is_of_the_namespace_that_its_folder_names(tmp_path: Path) -> None:
    snapshot = saved(tmp_path, shop__pods_json=listed("PodList"), namespaces__pay__core__pods_json=listed("PodList"))
    assert snapshot.covers("Pod", "shop")
    assert snapshot.covers("Pod", "pay")


def test_many_documents_of_yaml_are_many_objects_and_times_stay_text(tmp_path: Path) -> None:
    text = """# saved by hand
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop, creationTimestamp: 2026-01-02T03:04:05Z}
data: {flag: "true", count: "12", word: yes}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: b
  namespace: shop
data:
  script: |
    # kubectl get pods
    kubectl get pods
"""
    snapshot = saved(tmp_path, maps_yaml=text)
    first = found(snapshot, "ConfigMap", "shop", "a")
    assert first.text("metadata", "creationTimestamp") == "2026-01-02T03:04:05Z"
    assert first.mapping("data") == {"flag": "true", "count": "12", "word": "yes"}
    assert "kubectl get pods" in found(snapshot, "ConfigMap", "shop", "b").text("data", "script")


def test_values_of_secrets_are_dropped_and_their_keys_kept(tmp_path: Path) -> None:
    secret = {**POD, "kind": "Secret", "data": {"password": "c2VjcmV0"}}
    assert found(saved(tmp_path, s_json=json.dumps(secret)), "Secret", "shop", "web-1").at("data") == {"password": ""}


def test_the_present_of_a_snapshot_is_the_newest_time_in_it(tmp_path: Path) -> None:
    status = {"conditions": [{"type": "Ready", "lastTransitionTime": "2026-03-01T10:00:00Z"}]}
    pod = {**POD, "status": {**status, "startTime": "2026-03-01T09:00:00Z"}}
    assert saved(tmp_path, p_json=json.dumps(pod)).now == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_time_in_the_future_is_not_the_present(tmp_path: Path) -> None:
    pod = {**POD, "status": {"startTime": "2026-03-01T09:00:00Z", "expiryTime": "2999-01-01T00:00:00Z"}}
    assert saved(tmp_path, p_json=json.dumps(pod)).now == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_documents_and_logs_of_a_dump_on_one_stream_are_told_apart(tmp_path: Path) -> None:
    text = (
        f"{listed('PodList', bare('web-1', 'shop'))}\n{json.dumps(POD)}\n"
        "==== START logs for container app of pod shop/web-1 ====\nfirst\nlast {\n"
        "==== END logs for container app of pod shop/web-1 ====\n"
    )
    snapshot = saved(tmp_path, dump_txt=text)
    assert snapshot.logs == {("shop", "web-1", "app", False): "first\nlast {\n"}
    assert len(snapshot.objects) == 1


@pytest.mark.parametrize(
    ("name", "previous"),
    [
        ("must-gather/quay/namespaces/shop/pods/web-1/app/app/logs/current.log", False),
        ("namespaces/shop/pods/web-1/app/app/logs/previous.log", True),
        ("kubernaut-snapshot/logs/shop/web-1/app/previous.log", True),
    ],
)
def test_log_files_are_known_by_their_place(tmp_path: Path, *, name: str, previous: bool) -> None:
    path = tmp_path / "saved" / name
    path.parent.mkdir(parents=True)
    path.write_text("the last words\n")
    assert saved(tmp_path).logs == {("shop", "web-1", "app", previous): "the last words\n"}


def test_an_event_of_the_newer_api_has_the_names_of_the_older(tmp_path: Path) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "shop"},
        "regarding": {"kind": "Pod", "namespace": "shop", "name": "web-1"},
        "note": "it failed",
        "reason": "Failed",
    }
    (kept,) = saved(tmp_path, events_json=listed("EventList", event)).events
    assert (kept.text("message"), kept.text("involvedObject", "name")) == ("it failed", "web-1")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "- " * 50_000, "{a: " * 50_000, "a: [\n" * 5_000])
def test_nesting_without_end_is_refused(text: str) -> None:
    for read in (saved_objects.json_documents, saved_objects.yaml_documents):
        with pytest.raises(SnapshotError, match="the file"):
            read("the file", text.encode())


def test_aliases_that_stand_for_gigabytes_are_refused() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    with pytest.raises(SnapshotError, match="aliases"):
        saved_objects.yaml_documents("bomb.yaml", bomb.encode())


def test_a_file_that_is_broken_is_named_and_passed_over_beside_good_ones(tmp_path: Path) -> None:
    snapshot = saved(tmp_path, good_json=json.dumps(POD), bad_json='{"apiVersion": ')
    assert len(snapshot.objects) == 1
    assert "bad.json is not JSON" in snapshot.notes[0]


def test_a_file_without_anything_says_what_is_taken(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError) as raised:
        saved(tmp_path, notes_txt="the shop is slow since noon")
    assert "notes.txt" in str(raised.value)
    assert "kubernaut snapshot" in raised.value.help
