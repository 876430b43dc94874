from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.errors import ClusterError, ClusterUnavailable, Forbidden
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.investigation.gathering import BUDGET, Budget, Lists
from kubernaut.investigation.inquiry import first_look, first_survey, inquire
from kubernaut.investigation.scene import Scene
from kubernaut.ports import Listing, Resource
from kubernaut.resources import CONFIG_MAP, RESOURCES, SECRET
from tests.objects import (
    NOW,
    Part,
    Parts,
    configuration,
    container,
    crash_loop,
    event,
    node,
    pod,
    running,
    service,
    template,
    waiting,
)
from tests.unit.investigation.scenes import Rollout, best, texts


@dataclass
class Counting:
    """A reader that counts, and fails or stays silent on some kinds; as in a real list, items lack their kind."""

    cluster: MemoryCluster
    failing: dict[str, ClusterError] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    calls: list[str] = field(default_factory=list)
    pages_a_list: int = 1
    bytes_a_list: int = 0

    async def list(self, resource: Resource, namespace: str = "", **options: Part) -> Listing:
        self.calls.append(f"list {resource.plural}")
        if resource.kind in self.silent:
            await asyncio.Event().wait()
        if resource.kind in self.failing:
            raise self.failing[resource.kind]
        found = await self.cluster.list(resource, namespace, **options)
        items = tuple(bare(item) for item in found.items)
        return replace(found, items=items, pages=self.pages_a_list, size=self.bytes_a_list)

    async def log(self, pod: ObjectRef, container: str, **options: Part) -> str | None:
        self.calls.append(f"log {pod.name}")
        return await self.cluster.log(pod, container, **options)

    def __getattr__(self, name: str) -> Part:
        return getattr(self.cluster, name)


def bare(item: KubeObject) -> KubeObject:
    return KubeObject({key: value for key, value in item.raw.items() if key not in ("kind", "apiVersion")})


EVERYTHING = first_survey(["shop"]) | {(CONFIG_MAP, "shop"), (SECRET, "shop")}


async def look(
    *items: KubeObject | list[KubeObject],
    first: Lists = EVERYTHING,
    target: ObjectRef | None = None,
    budget: Budget = BUDGET,
    logs: dict[str, str] | None = None,
    previous: bool = True,
    **reader: Part,
) -> tuple[Scene, list[str]]:
    """The scene of these objects after a survey, or the diagnosis of the target; and the calls it took."""
    flat = [item for entry in items for item in (entry if isinstance(entry, list) else [entry])]
    cluster = MemoryCluster(dict(item.raw) for item in flat)
    for failing in (item for item in flat if item.kind == "Pod"):
        cluster.logs.update({(failing.ref, name, previous): text for name, text in (logs or {}).items()})
    counting = Counting(cluster, **reader)
    if target is None:
        scene, _ = await inquire(counting, ManualClock(NOW), first, survey, budget)
    else:
        scene, _ = await inquire(
            counting, ManualClock(NOW), first_look([target]), partial(diagnose, target=target), budget
        )
    return scene, counting.calls


OLD, NEW = template(container(args=["a"])), template(container(args=["b"]))
EVERY = [kind.kind for kind in RESOURCES]


async def test_each_kind_is_listed_once_and_logs_are_read_only_of_what_fails() -> None:
    rollout = Rollout(OLD, NEW)
    scene, calls = await look(
        rollout.parts, rollout.pods(crash_loop()), node(), logs={"app": "x\npanic: no such key\n"}
    )
    lists = [call for call in calls if call.startswith("list")]
    assert len(lists) == len(set(lists))
    assert sum(call.startswith("log") for call in calls) == 1
    found = diagnose(scene, rollout.deployment.ref)
    assert best(found).cause == "crash_after_change"
    assert "panic: no such key" in texts(found)


async def test_healthy_pods_have_their_logs_left_alone() -> None:
    rollout = Rollout(OLD, NEW, new_available=3)
    _, calls = await look(rollout.parts, rollout.pods(running()), node())
    assert not any(call.startswith("log") for call in calls)


async def test_what_may_not_be_read_is_written_down_with_its_reason() -> None:
    failing = {"Secret": Forbidden("secrets is forbidden"), "Node": ClusterUnavailable("nodes: reset")}
    scene, _ = await look(Rollout(OLD, NEW).parts, failing=failing)
    assert {(entry.what, entry.why) for entry in scene.not_read} == {
        ("secrets in shop", "secrets is forbidden"),
        ("nodes", "nodes: reset"),
    }
    assert not scene.covers("Secret", "shop")
    assert scene.covers("ConfigMap", "shop")


async def test_a_list_that_goes_on_beyond_the_bound_proves_no_absence() -> None:
    many = [configuration("ConfigMap", f"c{index}", ["a"]) for index in range(9)]
    scene, _ = await look(many, budget=Budget(objects=5))
    assert not scene.covers("ConfigMap", "shop")
    assert scene.not_read[0].why == "only the first 5 were read, there are more"


async def test_a_list_without_an_answer_does_not_hold_up_the_others() -> None:
    scene, _ = await look(
        Rollout(OLD, NEW).parts, silent=frozenset({"Event"}), budget=Budget(timeout=timedelta(milliseconds=50))
    )
    assert [entry.what for entry in scene.not_read] == ["events in shop"]
    assert scene.covers("Pod", "shop")


async def test_a_log_that_cannot_be_read_is_written_down() -> None:
    rollout = Rollout(OLD, NEW)
    scene, _ = await look(rollout.parts, rollout.pods(crash_loop(), 1), node())
    assert [entry.why for entry in scene.not_read] == ["there is none"]


async def test_the_log_of_the_other_run_is_read_where_one_is_gone() -> None:
    rollout = Rollout(OLD, NEW)
    [pod] = rollout.pods(crash_loop(), 1)
    scene, _ = await look(rollout.parts, [pod], node(), logs={"app": "panic: no such key\n"}, previous=False)
    assert [(line.previous, line.text) for line in scene.log_of(pod, "app")] == [(False, "panic: no such key")]
    assert scene.not_read == ()


LONG = [f"level=info msg=served path=/items/{number}" for number in range(5000)]


async def test_where_the_end_of_a_long_log_is_routine_it_is_looked_further_back_once() -> None:
    rollout = Rollout(OLD, NEW)
    [failing] = rollout.pods(crash_loop(), 1)
    text = [*LONG, "panic: the licence has expired", *LONG]
    scene, calls = await look(rollout.parts, [failing], node(), logs={"app": "\n".join(text)})
    assert [line.text for line in scene.log_of(failing, "app")] == ["panic: the licence has expired"]
    assert [call for call in calls if call.startswith("log")] == [f"log {failing.name}"] * 2


async def test_a_long_log_that_says_why_at_its_end_is_read_once() -> None:
    rollout = Rollout(OLD, NEW)
    text = "\n".join([*LONG, "panic: the licence has expired"])
    _, calls = await look(rollout.parts, rollout.pods(crash_loop(), 1), node(), logs={"app": text})
    assert sum(call.startswith("log") for call in calls) == 1


@pytest.mark.parametrize("error", [ClusterUnavailable("refused"), Forbidden("no right at all")])
async def test_a_cluster_of_which_nothing_can_be_read_is_an_error_and_not_an_empty_one(error: ClusterError) -> None:
    with pytest.raises(type(error)):
        await look(failing=dict.fromkeys(EVERY, error))


async def test_values_of_secrets_and_long_values_are_not_kept() -> None:
    secret = configuration("Secret", "login", ["pass"])
    long = configuration("ConfigMap", "page", ["html"])
    secret = KubeObject({**secret.raw, "data": {"pass": "aHVudGVyMg=="}})
    long = KubeObject({**long.raw, "data": {"html": "x" * 5000, "mode": "on"}})
    scene, _ = await look(secret, long)
    kept, page = scene.get("Secret", "shop", "login"), scene.get("ConfigMap", "shop", "page")
    assert kept is not None
    assert page is not None
    assert kept.mapping("data") == {"pass": ""}
    assert page.mapping("data") == {"html": "", "mode": "on"}


async def test_a_node_is_investigated_with_the_pods_of_all_namespaces_and_its_lease() -> None:
    down = node("w1", ready="Unknown")
    lease = KubeObject(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "w1", "namespace": "kube-node-lease"},
            "spec": {"renewTime": "2026-11-22T14:22:00.000000Z"},
        }
    )
    scene, _ = await look(down, lease, pod("a", [running(ready=False)], node="w1"), target=down.ref)
    found = diagnose(scene, down.ref)
    assert "lease renewed last 8 min ago" in texts(found)
    assert "1 of its 1 pods seen are not ready" in best(found).summary


FAULTS: dict[str, Parts] = {
    "image": waiting("ErrImagePull", "manifest unknown: not found"),
    "memory": crash_loop(137, "OOMKilled"),
    "secret": waiting("CreateContainerConfigError", 'secret "login" not found'),
    "crash": crash_loop(),
    "start": waiting("ContainerCreating", ""),
    "none": running(),
    "unready": running(ready=False),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_read_on_demand_gives_the_diagnosis_of_all_there_is(fault: str) -> None:
    needing = template(container(args=["b"], envFrom=[{"secretRef": {"name": "login"}}]))
    rollout = Rollout(OLD, needing)
    items = [*rollout.parts, *rollout.pods(FAULTS[fault]), node(), service("checkout", {"app": "checkout"})]
    logs = {"app": "x\npanic: no such key\n"} if fault in ("crash", "memory") else {}
    scene, calls = await look(items, target=rollout.deployment.ref, logs=logs)
    all_kinds = frozenset((kind, "shop" if kind.namespaced else "") for kind in RESOURCES)
    full, every_call = await look(items, first=all_kinds, logs=logs)
    assert replace(diagnose(scene, rollout.deployment.ref), not_read=()) == replace(
        diagnose(full, rollout.deployment.ref), not_read=()
    )
    assert len(calls) < len(every_call) / 2


async def test_secrets_are_listed_only_for_a_pod_that_waits_for_one() -> None:
    rollout = Rollout(OLD, template(container(args=["b"], envFrom=[{"secretRef": {"name": "login"}}])))
    calm, broken = rollout.pods(waiting("ErrImagePull", "not found")), rollout.pods(FAULTS["secret"])
    _, without = await look(rollout.parts, calm, node(), target=rollout.deployment.ref)
    scene, asked = await look(rollout.parts, broken, node(), target=rollout.deployment.ref)
    assert "list secrets" not in without
    assert asked.count("list secrets") == 1
    assert best(diagnose(scene, rollout.deployment.ref)).cause == "missing_secret"


async def test_more_calls_than_the_budget_allows_are_left_out_and_said_to_be() -> None:
    rollout = Rollout(OLD, NEW)
    items = [*rollout.parts, *rollout.pods(crash_loop()), node()]
    scene, calls = await look(items, target=rollout.deployment.ref, budget=Budget(calls=5), logs={"app": "panic: x"})
    assert len(calls) == 5
    assert {entry.why for entry in scene.not_read} == {"left out: 5 calls were made already"}
    assert diagnose(scene, rollout.deployment.ref).not_read == scene.not_read


async def test_every_page_of_a_list_is_a_call_of_the_budget() -> None:
    rollout = Rollout(OLD, NEW)
    items = [*rollout.parts, *rollout.pods(crash_loop()), node()]
    scene, calls = await look(items, target=rollout.deployment.ref, budget=Budget(calls=40), pages_a_list=15)
    assert len(calls) == 3
    assert {entry.why for entry in scene.not_read} == {"left out: 40 calls were made already"}


async def test_nothing_more_is_read_once_the_bytes_are_spent() -> None:
    rollout = Rollout(OLD, NEW)
    items = [*rollout.parts, *rollout.pods(crash_loop()), node()]
    scene, calls = await look(items, target=rollout.deployment.ref, budget=Budget(size=2**21), bytes_a_list=2**20)
    assert len(calls) == 2
    assert {entry.why for entry in scene.not_read} == {"left out: 2 MiB were read already"}


async def test_a_kind_that_many_namespaces_need_is_listed_once_for_all() -> None:
    spec: Parts = {"containers": [container(envFrom=[{"secretRef": {"name": "x"}}])]}
    made = pod("a", [waiting("CreateContainerConfigError", 'secret "x" not found')], spec=spec)
    items = [
        KubeObject({**made.raw, "metadata": {"name": "a", "namespace": f"team-{number}", "uid": str(number)}})
        for number in range(6)
    ]
    scene, calls = await look(items, node(), first=first_survey([""]))
    assert calls.count("list secrets") == 1
    assert len(survey(scene)) == 6


async def test_a_kind_that_may_not_be_read_is_said_and_does_not_stop_the_others() -> None:
    rollout = Rollout(OLD, template(container(args=["b"], envFrom=[{"secretRef": {"name": "login"}}])))
    items = [*rollout.parts, *rollout.pods(FAULTS["secret"]), node()]
    refused: dict[str, ClusterError] = {
        "Secret": Forbidden("forbidden: secrets"),
        "Node": Forbidden("forbidden: nodes"),
    }
    scene, calls = await look(items, target=rollout.deployment.ref, failing=refused)
    assert [(entry.what, entry.why) for entry in scene.not_read] == [
        ("nodes", "forbidden: nodes"),
        ("secrets in shop", "forbidden: secrets"),
    ]
    assert calls.count("list secrets") == 1
    assert best(diagnose(scene, rollout.deployment.ref)).cause == "missing_secret"


async def test_an_examination_that_always_asks_for_more_is_ended_and_what_is_left_is_said() -> None:
    kinds = iter(["Ingress", "NetworkPolicy", "LimitRange", "PodDisruptionBudget", "Job", "CronJob", "Lease"])
    asked: list[str] = []

    def curious(scene: Scene) -> int:
        asked.append(next(kinds))
        return sum(len(scene.all(kind, "shop")) for kind in asked)

    counting = Counting(MemoryCluster(dict(item.raw) for item in [node()]))
    scene, _ = await inquire(counting, ManualClock(NOW), first_look([node().ref]), curious)
    assert [entry.what for entry in scene.not_read] == ["poddisruptionbudgets in shop"]
    assert scene.covers("LimitRange", "shop")


async def test_an_object_of_a_kind_without_rules_is_told_by_its_conditions_and_its_events() -> None:
    claim = KubeObject(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "shop", "uid": "u1"},
            "status": {"phase": "Pending"},
        }
    )
    refused = event(claim, "ProvisioningFailed", 'storageclass "fast" not found')
    scene, calls = await look(claim, refused, target=claim.ref)
    found = diagnose(scene, claim.ref)
    assert (best(found).cause, best(found).verdict) == ("unknown", "escalate")
    assert 'storageclass "fast" not found' in texts(found)
    assert "list persistentvolumeclaims" in calls


async def test_logs_beyond_the_bound_are_left_out_and_said_to_be() -> None:
    [failing] = Rollout(OLD, NEW).pods(crash_loop(), 1)
    lone = {key: value for key, value in failing.raw.items() if key != "metadata"}
    pods = [
        KubeObject({**lone, "metadata": {"name": f"lone-{number}", "namespace": "shop", "uid": str(number)}})
        for number in range(8)
    ]
    scene, calls = await look(pods, node(), logs={"app": "panic: x"})
    assert sum(call.startswith("log") for call in calls) == 6
    assert [entry.why for entry in scene.not_read] == ["left out: 6 logs were read already"] * 2
