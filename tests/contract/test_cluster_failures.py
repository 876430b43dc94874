"""An API server that misbehaves in every way we know, and what the adapter makes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.watching import watch
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.domain.changes import ObjectDeletion, ObjectPatch, PatchOperation
from kubernaut.domain.errors import (
    ChangeRejected,
    ClusterError,
    ClusterThrottled,
    ClusterUnavailable,
    Conflict,
    Forbidden,
    NoCluster,
    ObjectMissing,
    Unauthenticated,
    WatchExpired,
)
from kubernaut.domain.objects import JsonObject, ObjectRef, Owner, Uid
from kubernaut.resources import EVENT, POD, SECRET

TARGET = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
PATCH = ObjectPatch(TARGET, Uid("u1"), "41", (PatchOperation("replace", "/spec/replicas", 3),))
PATCHED: JsonObject = {"kind": "Deployment", "metadata": {"name": "checkout", "namespace": "shop", "uid": "u1"}}

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answering(status: int, body: object = None, *, headers: str = "") -> Reply:
    """A whole answer; a body that is no string is sent as JSON."""
    content = (body if isinstance(body, str) else json.dumps(body)).encode()

    async def reply(writer: asyncio.StreamWriter) -> None:
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nContent-Type: application/json\r\n{headers}\r\n"
        )
        writer.write(head.encode() + content)
        await writer.drain()

    return reply


def streaming(*lines: object) -> Reply:
    """A watch's answer: those lines, then the end."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
        for line in lines:
            writer.write(json.dumps(line).encode() + b"\n")
        await writer.drain()
        writer.close()

    return reply


async def hang(writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing until the client goes away."""
    await writer.wait_closed()


async def cut(writer: asyncio.StreamWriter) -> None:
    """Takes the request and hangs up."""
    writer.close()


async def cut_in_the_body(writer: asyncio.StreamWriter) -> None:
    """Promises more than it sends."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"kind":')
    await writer.drain()
    writer.close()


class ScriptedServer:
    """Answers each request with the next reply of the script, and remembers what was asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.script: list[Reply] = []
        self.asked: list[tuple[str, bytes]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
                self.asked.append((head.split(b"\r\n")[0].decode(), body))
                await self.script.pop(0)(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def options(self, **changes: float) -> ClusterOptions:
        path = self.directory / "kubeconfig"
        path.write_text(
            json.dumps(
                {
                    "current-context": "c",
                    "clusters": [{"name": "c", "cluster": {"server": self.url}}],
                    "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                }
            )
        )
        return ClusterOptions(kubeconfig=str(path), **changes)  # type: ignore[arg-type]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer(tmp_path)
    listener = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    yield scripted
    listener.close()


@pytest.fixture
async def api(server: ScriptedServer) -> AsyncIterator[KubernetesApi]:
    async with KubernetesApi(server.options()) as connected:
        yield connected


CONTROLLED = {"kind": "ReplicaSet", "apiVersion": "apps/v1", "name": "web-1", "uid": "u2", "controller": True}
NAMED = {"name": "web-1-a", "namespace": "shop", "uid": "u1", "labels": {"app": "web"}, "ownerReferences": [CONTROLLED]}
ODD = {"metadata": {"name": 5, "labels": ["x"]}, "spec": {"nodeName": "w1"}}


async def test_a_page_is_read_object_by_object_however_odd_they_are(server: ScriptedServer, api: KubernetesApi) -> None:
    bare = {"metadata": {"name": "web-2", "labels": None, "ownerReferences": None}}
    server.script = [answering(200, {"items": [{"metadata": NAMED, "spec": {"nodeName": "w1"}}, bare, ODD]})]
    listing = await KubernetesReader(api).list(POD, "shop")
    known, plain, odd = listing.items
    assert (known.ref, known.uid, known.labels) == (ObjectRef("v1", "Pod", "shop", "web-1-a"), "u1", {"app": "web"})
    assert known.owner == Owner(ObjectRef("apps/v1", "ReplicaSet", "shop", "web-1"), Uid("u2"))
    assert known.controller == ObjectRef("apps/v1", "ReplicaSet", "shop", "web-1")
    assert known.text("spec", "nodeName") == odd.text("spec", "nodeName") == "w1"
    assert dict(known.raw) == {"apiVersion": "v1", "kind": "Pod", "metadata": NAMED, "spec": {"nodeName": "w1"}}
    assert (plain.ref.name, plain.labels, plain.owner) == ("web-2", {}, None)
    assert (odd.ref, odd.labels) == (ObjectRef("v1", "Pod", "", ""), {})
    assert listing.size > 0


async def test_an_event_tells_what_it_is_about_without_being_opened(server: ScriptedServer, api: KubernetesApi) -> None:
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web-1"}
    events = [{"metadata": {"name": "a"}, "involvedObject": about}, {"metadata": {"name": "b"}}]
    server.script = [answering(200, {"items": events})]
    first, second = (await KubernetesReader(api).list(EVENT, "shop")).items
    assert first.regarding == ObjectRef("v1", "Pod", "shop", "web-1")
    assert second.regarding == ObjectRef("", "", "", "")


@pytest.mark.parametrize("empty", [{"items": None}, {"items": []}, {}])
async def test_a_list_of_nothing_is_empty(server: ScriptedServer, api: KubernetesApi, empty: JsonObject) -> None:
    server.script = [answering(200, empty)]
    assert (await KubernetesReader(api).list(POD, "shop")).items == ()


@pytest.mark.parametrize("body", ["[]", '{"items": 5}', '{"items": [5]}', '{"items": [{"metadata": {"name": tru}}]}'])
async def test_a_list_that_is_none_is_an_error(server: ScriptedServer, api: KubernetesApi, body: str) -> None:
    server.script = [answering(200, body)]
    with pytest.raises(ClusterUnavailable, match="listing pods of shop: the answer is no"):
        await KubernetesReader(api).list(POD, "shop")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ChangeRejected),
        (404, ObjectMissing),
        (409, Conflict),
        (422, ChangeRejected),
        (429, ClusterThrottled),
        (500, ClusterUnavailable),
        (503, ClusterUnavailable),
        (504, ClusterUnavailable),
    ],
)
async def test_a_refused_write_is_an_error_that_names_verb_object_and_the_servers_words(
    server: ScriptedServer, api: KubernetesApi, status: int, expected: type[ClusterError]
) -> None:
    server.script = [answering(status, {"kind": "Status", "message": "because"})]
    with pytest.raises(expected, match="patching shop/deployment/checkout: because"):
        await KubernetesWriter(api).write(PATCH)


@pytest.mark.parametrize("broken", [cut, cut_in_the_body, answering(200, "<html>"), answering(502, "<html>")])
async def test_a_write_whose_answer_is_lost_says_that_nobody_knows_what_was_done(
    server: ScriptedServer, api: KubernetesApi, broken: Reply
) -> None:
    server.script = [broken]
    with pytest.raises(ClusterUnavailable, match="whether it was done is not known"):
        await KubernetesWriter(api).write(PATCH)
    assert len(server.asked) == 1


async def test_a_server_that_never_answers_is_given_up_at_the_deadline(server: ScriptedServer) -> None:
    server.script = [hang]
    async with KubernetesApi(server.options(deadline_s=0.05)) as api:
        with pytest.raises(ClusterUnavailable, match=r"reading shop/deployment/checkout: no answer in 0\.05 s"):
            await KubernetesReader(api).get(TARGET)


async def test_a_server_that_is_not_there_does_not_cast_doubt_on_the_write(server: ScriptedServer) -> None:
    server.url = "http://127.0.0.1:1"
    async with KubernetesApi(server.options()) as api:
        with pytest.raises(ClusterUnavailable, match="cannot reach") as caught:
            await KubernetesWriter(api).write(PATCH)
    assert "not known" not in str(caught.value)


async def test_throttling_carries_the_servers_own_delay(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [
        answering(429, {}, headers="Retry-After: 7\r\n"),
        answering(429, {"details": {"retryAfterSeconds": 3}}),
        answering(429, {}, headers="Retry-After: 999999\r\n"),
    ]
    delays = []
    for _ in range(3):
        with pytest.raises(ClusterThrottled) as caught:
            await KubernetesReader(api).get(TARGET)
        delays.append(caught.value.retry_after_s)
    assert delays == [7, 3, 300]


async def test_a_missing_right_names_the_rule_that_would_give_it(server: ScriptedServer, api: KubernetesApi) -> None:
    words = 'pods "web-1" is forbidden: User "sa" cannot get resource "pods/log" in API group ""'
    server.script = [answering(403, {"message": words})]
    with pytest.raises(Forbidden, match=r'resources: \["pods/log"\]  verbs: \["get"\]') as caught:
        await KubernetesReader(api).log(ObjectRef("v1", "Pod", "pay", "web-1"), "app")
    error = caught.value
    assert (error.api_group, error.resource, error.verb) == ("", "pods/log", "get")
    assert error.help == "kubernaut rbac render --read | kubectl apply -f -"


async def test_an_admission_that_answers_403_is_a_rejected_change_and_no_missing_right(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    server.script = [answering(403, {"message": 'admission webhook "policy" denied the request'})]
    with pytest.raises(ChangeRejected, match="denied the request"):
        await KubernetesWriter(api).write(PATCH)


async def test_credentials_that_are_not_taken_may_be_taken_later(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [answering(401, {"message": "Unauthorized"})]
    with pytest.raises(Unauthenticated, match=r"Unauthorized.*may have expired") as caught:
        await KubernetesReader(api).get(TARGET)
    assert (caught.value.retryable, isinstance(caught.value, Forbidden)) == (True, True)


@pytest.mark.parametrize("name", [".", "..", "x" * 254, "\U0001d54f" * 8192])
async def test_what_no_object_can_be_called_is_refused_before_it_is_asked(api: KubernetesApi, name: str) -> None:
    for namespace, called in ((name, "web-1"), ("pay", name)):
        with pytest.raises(ClusterError, match="not a name"):
            await KubernetesReader(api).get(ObjectRef("v1", "Pod", namespace, called))


async def test_a_question_too_long_for_an_address_is_a_refusal(api: KubernetesApi) -> None:
    with pytest.raises(ClusterError, match="no address"):
        await KubernetesReader(api).list(POD, "pay", labels="app=" + "x" * 70_000)


async def test_what_could_not_be_read_is_never_an_empty_answer(server: ScriptedServer, api: KubernetesApi) -> None:
    for reply, expected in (
        (answering(500, {}), ClusterUnavailable),
        (answering(404, {"message": "the server could not find the requested resource"}), ObjectMissing),
        (answering(200, "[]"), ClusterUnavailable),
        (answering(200, '{"items":' + "[" * 100_000), ClusterUnavailable),
        (answering(500, "[" * 60_000), ClusterUnavailable),
        (answering(400, {"message": "unable to parse selector"}), ClusterError),
        (cut, ClusterUnavailable),
    ):
        server.script = [reply]
        with pytest.raises(expected):
            await KubernetesReader(api).list(POD, "shop")


def page(*names: str, following: str = "") -> Reply:
    metadata = {"resourceVersion": "9", "continue": following}
    return answering(200, {"metadata": metadata, "items": [{"metadata": {"name": name}} for name in names]})


async def test_a_list_is_read_page_by_page_and_each_item_knows_its_kind(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    server.script = [page("a", "b", following="more"), page("c")]
    listing = await KubernetesReader(api).list(POD, "shop", labels="app=web")
    assert [item.name for item in listing.items] == ["a", "b", "c"]
    assert {item.kind for item in listing.items} == {"Pod"}
    assert listing.complete
    assert "continue=more" in server.asked[1][0]
    assert "labelSelector=app%3Dweb" in server.asked[1][0]


async def test_a_list_stops_at_its_bound_and_says_that_it_is_not_whole(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    server.script = [page("a", "b", "c", following="more")]
    listing = await KubernetesReader(api).list(POD, "shop", limit=2)
    assert (len(listing.items), listing.complete) == (2, False)
    assert "limit=3" in server.asked[0][0]


async def test_a_list_is_whole_where_the_page_after_its_bound_is_empty(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    server.script = [page("a", "b", following="more"), page()]
    listing = await KubernetesReader(api).list(POD, "shop", limit=2)
    assert (len(listing.items), listing.complete) == (2, True)


async def test_a_page_that_expired_starts_the_list_again_once(server: ScriptedServer, api: KubernetesApi) -> None:
    expired = answering(410, {"message": "The provided continue parameter is too old"})
    server.script = [page("a", following="more"), expired, page("a"), page("a", following="m"), expired, expired]
    assert len((await KubernetesReader(api).list(POD)).items) == 1
    with pytest.raises(ClusterUnavailable, match="changes faster"):
        await KubernetesReader(api).list(POD)


async def test_the_newest_part_of_a_long_log_is_kept(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [answering(200, "old line\n" * 60_000 + "the last words\n")]
    log = await KubernetesReader(api).log(ObjectRef("v1", "Pod", "shop", "web-1"), "app")
    assert log is not None
    assert len(log.encode()) == 256 * 1024
    assert log.endswith("the last words\n")


async def test_a_container_that_has_not_started_has_no_log(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [answering(400, {"message": 'container "app" in pod "web-1" is waiting to start'})]
    assert await KubernetesReader(api).log(ObjectRef("v1", "Pod", "shop", "web-1"), "app") is None


async def test_the_kubelets_excuse_for_a_log_is_no_log(server: ScriptedServer, api: KubernetesApi) -> None:
    excuse = "unable to retrieve container logs for containerd://5f3c0d6a"
    pod = ObjectRef("v1", "Pod", "shop", "web-1")
    server.script = [answering(200, excuse), answering(200, f"{excuse}\nand the reason\n")]
    assert await KubernetesReader(api).log(pod, "app", previous=True) is None
    assert await KubernetesReader(api).log(pod, "app", previous=True) == f"{excuse}\nand the reason\n"


def event(kind: str, version: str, **more: object) -> JsonObject:
    return {"type": kind, "object": {"kind": "Pod", "metadata": {"name": "web", "resourceVersion": version}, **more}}  # type: ignore[dict-item]


async def test_a_watch_goes_on_from_the_last_version_it_saw_after_a_cut(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    server.script = [
        streaming(event("ADDED", "5"), event("BOOKMARK", "8")),
        cut,
        answering(500, {}),
        streaming(event("MODIFIED", "9")),
        streaming({"type": "ERROR", "object": {"code": 410, "message": "too old"}}),
    ]
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    changes = watch(api, POD, "shop", "4", pause)
    seen = [(change.type, change.object.resource_version) for change in (await anext(changes), await anext(changes))]
    with pytest.raises(WatchExpired, match="too old"):
        await anext(changes)
    assert seen == [("ADDED", "5"), ("MODIFIED", "9")]
    starts = [line.split("resourceVersion=")[1].split(" ")[0] for line, _ in server.asked]
    assert starts == ["4", "8", "8", "8", "9"]
    assert pauses == [0.5, 1.0]


async def test_a_watch_that_never_connects_gives_up_with_the_last_error(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    server.script = [answering(500, {"message": "no leader"})] * 8

    async def pause(_: float) -> None:
        await asyncio.sleep(0)

    with pytest.raises(ClusterUnavailable, match="no leader"):
        await anext(watch(api, POD, "", "1", pause))


async def test_a_watch_of_a_forgotten_version_has_expired(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [answering(410, {"message": "too old resource version"})]
    with pytest.raises(WatchExpired):
        await anext(KubernetesReader(api).watch(POD, resource_version="1"))


async def test_no_value_of_a_secret_leaves_the_adapter(server: ScriptedServer, api: KubernetesApi) -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"key":"aHVudGVyMg=="}}'}
    metadata: JsonObject = {
        "name": "db",
        "namespace": "shop",
        "resourceVersion": "1",
        "annotations": {**applied, "team": "shop"},
    }
    secret: JsonObject = {
        "kind": "Secret",
        "metadata": metadata,
        "data": {"key": "aHVudGVyMg=="},
        "stringData": {"k": "v"},
    }
    unnamed = {key: value for key, value in secret.items() if key != "kind"}
    server.script = [
        answering(200, secret),
        answering(200, {"metadata": {}, "items": [unnamed]}),
        streaming({"type": "ADDED", "object": secret}),
    ]
    reader = KubernetesReader(api)
    one = await reader.get(ObjectRef("v1", "Secret", "shop", "db"))
    listed = (await reader.list(SECRET, "shop")).items[0]
    watched = (await anext(reader.watch(SECRET, "shop"))).object
    for item in (one, listed, watched):
        assert item is not None
        assert "aHVudGVyMg" not in str(item.raw)
        assert item.mapping("data") == {"key": ""}
        assert item.annotations["team"] == "shop"


async def test_a_patch_pins_the_version_it_was_decided_on(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [answering(200, PATCHED)]
    await KubernetesWriter(api).write(PATCH, dry_run=True)
    line, body = server.asked[0]
    assert "dryRun=All" in line
    assert "fieldManager=kubernaut" in line
    assert json.loads(body)[0] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "41"}


async def test_a_deletion_pins_the_uid(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [answering(200, {"kind": "Status"})]
    await KubernetesWriter(api).write(ObjectDeletion(ObjectRef("v1", "Pod", "shop", "web-1"), Uid("u7")))
    line, body = server.asked[0]
    assert line.startswith("DELETE /api/v1/namespaces/shop/pods/web-1 ")
    assert json.loads(body)["preconditions"] == {"uid": "u7"}


async def test_a_name_cannot_leave_its_place_in_the_path(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [answering(404, {})]
    assert await KubernetesReader(api).get(ObjectRef("v1", "Pod", "shop", "../secrets/db?x=1")) is None
    assert server.asked[0][0].startswith("GET /api/v1/namespaces/shop/pods/..%2Fsecrets%2Fdb%3Fx%3D1 ")


async def test_a_kind_outside_our_table_is_looked_up_once(server: ScriptedServer, api: KubernetesApi) -> None:
    kinds = {
        "resources": [
            {"name": "widgets/status", "kind": "Widget"},
            {"name": "widgets", "kind": "Widget", "namespaced": True},
        ]
    }
    widget = {"kind": "Widget", "metadata": {"name": "one", "namespace": "shop"}}
    server.script = [answering(200, kinds), answering(200, widget), answering(404, {})]
    ref = ObjectRef("example.com/v1", "Widget", "shop", "one")
    assert await KubernetesReader(api).get(ref) is not None
    assert await KubernetesReader(api).get(ref) is None
    paths = [line.split(" ")[1] for line, _ in server.asked]
    assert paths == ["/apis/example.com/v1", *["/apis/example.com/v1/namespaces/shop/widgets/one"] * 2]


async def test_no_more_calls_than_allowed_are_under_way_at_once(server: ScriptedServer) -> None:
    under_way, most = 0, 0

    async def slow(writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        under_way -= 1
        await answering(404, {})(writer)

    server.script = [slow] * 12
    async with KubernetesApi(server.options(concurrency=3)) as api, asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(KubernetesReader(api).get(TARGET))
    assert most == 3


def test_without_a_cluster_the_error_says_what_was_tried_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NoCluster, match=r"KUBECONFIG is not set, ~/\.kube/config does not exist") as caught:
        KubernetesApi(ClusterOptions(service_account=tmp_path))
    assert "kubernaut demo" in caught.value.help


@pytest.mark.parametrize("content", ["{", "[" * 600, "[]", "clusters: 3", "current-context: x", "\x00"])
def test_a_kubeconfig_that_is_none_is_no_cluster(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(NoCluster):
        KubernetesApi(ClusterOptions(kubeconfig=str(path)))


@pytest.mark.parametrize("server", ["", "ftp://h", "http://h:99999", "http://[::1", "http://", "https://"])
def test_a_cluster_whose_address_leads_nowhere_is_no_cluster(tmp_path: Path, server: str) -> None:
    path = tmp_path / "config"
    context = {"name": "dev", "context": {"cluster": "c"}}
    clusters = [{"name": "c", "cluster": {"server": server}}]
    path.write_text(json.dumps({"current-context": "dev", "clusters": clusters, "contexts": [context]}))
    with pytest.raises(NoCluster):
        KubernetesApi(ClusterOptions(kubeconfig=str(path)))


def test_a_context_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
                "contexts": [
                    {"name": "dev", "context": {"cluster": "c"}},
                    {"name": "prod", "context": {"cluster": "c"}},
                ],
            }
        )
    )
    with pytest.raises(NoCluster, match="there is no context live; known: dev, prod"):
        KubernetesApi(ClusterOptions(kubeconfig=str(path), context="live"))


ANOTHER: list[JsonObject] = [
    {},
    {"kind": "Status", "status": "Success"},
    {"kind": "Deployment", "metadata": {"name": "checkout", "namespace": "other", "uid": "u1"}},
    {"kind": "Deployment", "metadata": {"name": "cart", "namespace": "shop", "uid": "u1"}},
]


async def test_an_answer_about_another_object_tells_nothing_about_the_one_that_was_asked_for(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    for body in (*ANOTHER, {"kind": "Pod", "metadata": {"name": "checkout", "namespace": "shop"}}):
        server.script = [answering(200, body)]
        with pytest.raises(ClusterUnavailable, match="the answer is about"):
            await KubernetesReader(api).get(TARGET)


async def test_a_write_that_is_answered_with_another_object_may_or_may_not_have_been_done(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    successor = {"kind": "Deployment", "metadata": {"name": "checkout", "namespace": "shop", "uid": "u2"}}
    for body in (*ANOTHER, successor):
        server.script = [answering(200, body)]
        with pytest.raises(ClusterUnavailable, match="whether it was done is not known"):
            await KubernetesWriter(api).write(PATCH)


async def test_a_page_of_whatever_stands_before_the_api_server_does_not_say_that_an_object_is_gone(
    server: ScriptedServer, api: KubernetesApi
) -> None:
    server.script = [answering(404, "<html><body>no such site</body></html>"), answering(404, "404 page not found\n")]
    with pytest.raises(ClusterUnavailable):
        await KubernetesReader(api).get(TARGET)
    assert await KubernetesReader(api).get(TARGET) is None


async def test_a_list_that_never_ends_is_given_up(server: ScriptedServer, api: KubernetesApi) -> None:
    server.script = [page(following="more")] * 200
    with pytest.raises(ClusterUnavailable, match="did not end"):
        await KubernetesReader(api).list(POD, "shop")
    assert len(server.asked) == 100
