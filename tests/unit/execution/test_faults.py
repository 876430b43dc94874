"""Every API call of an execution fails once in every way; the end is one change, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.changes import Change, PatchOperation
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.errors import (
    ChangeRejected,
    ClusterError,
    ClusterThrottled,
    ClusterUnavailable,
    Conflict,
    Forbidden,
)
from kubernaut.domain.execution import Applied, Intent, Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.domain.patches import patched
from kubernaut.execution.applying import at_version
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply, undo
from kubernaut.ports import Listing, Resource
from tests.retrying import retried

if TYPE_CHECKING:
    from tests.unit.execution.conftest import Shop

DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
POD = ObjectRef("v1", "Pod", "shop", "checkout-a")
SERVICE = ObjectRef("v1", "Service", "shop", "checkout")
NODE = ObjectRef("v1", "Node", "", "worker-1")

CALLS = {
    "rollback": ActionCall(ActionId("rollback_deployment"), DEPLOYMENT, {"revision": 6}),
    "memory": ActionCall(ActionId("increase_memory_limit"), DEPLOYMENT, {"container": "app", "factor": 2.0}),
    "scale": ActionCall(ActionId("scale_workload"), DEPLOYMENT, {"replicas": 5}),
    "restart": ActionCall(ActionId("restart_workload"), DEPLOYMENT, {}),
    "selector": ActionCall(ActionId("fix_service_selector"), SERVICE, {"selector": "app=checkout"}),
    "cordon": ActionCall(ActionId("cordon_node"), NODE, {}),
    "pod": ActionCall(ActionId("restart_pod"), POD, {}),
}

Disturbance = Callable[[MemoryCluster, ObjectRef], None]


def somebody_deletes_it(cluster: MemoryCluster, ref: ObjectRef) -> None:
    if ref in cluster._objects:
        cluster.remove(ref)


def somebody_replaces_it(cluster: MemoryCluster, ref: ObjectRef) -> None:
    raw = cluster.raw(ref)
    cluster.remove(ref)
    raw["metadata"] = {"name": ref.name, "namespace": ref.namespace, "uid": "another"}
    cluster.put(raw)


def somebody_changes_its_spec(cluster: MemoryCluster, ref: ObjectRef) -> None:
    cluster.put(patched(cluster.raw(ref), [PatchOperation("add", "/spec/minReadySeconds", 30)]))


def its_status_moves(cluster: MemoryCluster, ref: ObjectRef) -> None:
    raw = cluster.raw(ref)
    cluster.put({**raw, "status": {**KubeObject(raw).tree("status").raw, "seen": "again"}})


class DisturbedCluster:
    """A cluster on whose n-th call something happens; counts the writes that took effect."""

    def __init__(self, inner: MemoryCluster) -> None:
        self.inner = inner
        self.fault: ClusterError | Disturbance | None = None
        self.at = 0
        self.lost_after_it_was_done = False
        self.calls = 0
        self.done = 0
        self.target = DEPLOYMENT

    def _due(self) -> bool:
        self.calls += 1
        if self.calls != self.at:
            return False
        if callable(self.fault):
            if self.target in self.inner._objects:
                self.fault(self.inner, self.target)
            return False
        return self.fault is not None

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        if self._due() and isinstance(self.fault, ClusterError):
            raise self.fault
        return await self.inner.get(ref)

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        if self._due() and isinstance(self.fault, ClusterError):
            raise self.fault
        return await self.inner.list(resource, namespace, labels=labels, fields=fields, limit=limit)

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        due = self._due()
        if due and isinstance(self.fault, ClusterError) and not self.lost_after_it_was_done:
            raise self.fault
        result = await self.inner.write(change, dry_run=dry_run, warned=warned)
        self.done += not dry_run
        if due and isinstance(self.fault, ClusterError):
            raise self.fault
        return result


FAULTS: dict[str, ClusterError | Disturbance] = {
    "409": Conflict("the object has been modified"),
    "422": ChangeRejected("spec is invalid"),
    "403": Forbidden("may not"),
    "429": ClusterThrottled("slow down"),
    "500": ClusterUnavailable("etcd has no leader"),
    "deleted": somebody_deletes_it,
    "replaced": somebody_replaces_it,
    "spec changed": somebody_changes_its_spec,
    "status moved": its_status_moves,
}


@pytest.fixture
def disturbed(shop: Shop) -> DisturbedCluster:
    shop.cluster.put(shop.service({"app": "chekout"}))
    shop.cluster.put(shop.pod("checkout-a", ready=False))
    shop.cluster.put(shop.pod("checkout-b"))
    return DisturbedCluster(shop.cluster)


def ports_of(shop: Shop, cluster: DisturbedCluster) -> ExecutionPorts:
    return replace(shop.ports, reader=cluster, writer=cluster)  # type: ignore[arg-type]


def holds_the_change(cluster: MemoryCluster, call: ActionCall) -> bool:
    raw = cluster._objects.get(call.target)
    item = KubeObject(raw or {})
    template = str(item.at("spec", "template"))
    return {
        "rollback_deployment": "checkout:6" in template,
        "increase_memory_limit": "1Gi" in template,
        "scale_workload": item.at("spec", "replicas") == 5,
        "restart_workload": "restartedAt" in template,
        "fix_service_selector": item.mapping("spec", "selector") == {"app": "checkout"},
        "cordon_node": item.flag("spec", "unschedulable"),
        "restart_pod": raw is None or item.uid == "another",
    }[call.action]


@pytest.mark.parametrize("at", range(1, 9))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CALLS)
async def test_a_change_is_made_once_or_refused_with_a_reason(
    shop: Shop, disturbed: DisturbedCluster, name: str, fault: str, at: int
) -> None:
    call, ports = CALLS[name], ports_of(shop, disturbed)
    intent = await intend(shop.ports, call)
    assert isinstance(intent, Intent)
    disturbed.target, disturbed.fault, disturbed.at = call.target, FAULTS[fault], at
    outcome = await retried(lambda: apply(ports, intent))
    assert disturbed.done <= 1
    if isinstance(outcome, ClusterError):
        assert not outcome.retryable
        assert disturbed.done == 0
    elif outcome.applied is Applied.REFUSED:
        assert outcome.reason
        assert disturbed.done == 0
    else:
        present = call.target in shop.cluster._objects
        assert holds_the_change(shop.cluster, call) or not present
        assert disturbed.done == 1 or outcome.applied is Applied.ALREADY


@pytest.mark.parametrize("name", CALLS)
async def test_a_change_whose_answer_was_lost_is_found_and_not_made_again(
    shop: Shop, disturbed: DisturbedCluster, name: str
) -> None:
    call, ports = CALLS[name], ports_of(shop, disturbed)
    intent = await intend(shop.ports, call)
    assert isinstance(intent, Intent)
    disturbed.fault, disturbed.lost_after_it_was_done = ClusterUnavailable("cut"), True
    counted = DisturbedCluster(MemoryCluster(list(shop.cluster._objects.values())))
    await apply(ports_of(shop, counted), intent)
    disturbed.at = counted.calls
    outcome = await apply(ports, intent)
    assert outcome.applied is Applied.DONE
    assert disturbed.done == 1
    assert holds_the_change(shop.cluster, call)
    assert (await apply(ports, intent)).applied is Applied.ALREADY
    assert disturbed.done == 1


async def test_a_spec_that_somebody_else_changed_is_not_forced(shop: Shop, disturbed: DisturbedCluster) -> None:
    intent = await intend(shop.ports, CALLS["rollback"])
    assert isinstance(intent, Intent)
    somebody_changes_its_spec(shop.cluster, DEPLOYMENT)
    outcome = await apply(ports_of(shop, disturbed), intent)
    assert outcome.applied is Applied.REFUSED
    assert outcome.reason.startswith("changed meanwhile: the spec of shop/deployment/checkout")
    assert disturbed.done == 0


async def test_a_status_that_moved_does_not_stop_the_change(shop: Shop, disturbed: DisturbedCluster) -> None:
    intent = await intend(shop.ports, CALLS["rollback"])
    assert isinstance(intent, Intent)
    its_status_moves(shop.cluster, DEPLOYMENT)
    assert (await apply(ports_of(shop, disturbed), intent)).applied is Applied.DONE


async def test_a_precondition_that_fell_after_the_intent_stops_the_change(shop: Shop) -> None:
    shop.cluster.put(shop.pod("checkout-b"))
    intent = await intend(shop.ports, replace(CALLS["cordon"]))
    assert isinstance(intent, Intent)
    shop.cluster.remove(ObjectRef("v1", "Node", "", "worker-2"))
    outcome = await apply(shop.ports, intent)
    assert (outcome.applied, "last node" in outcome.reason) == (Applied.REFUSED, True)


async def test_a_server_that_rejects_the_change_is_quoted(shop: Shop, disturbed: DisturbedCluster) -> None:
    disturbed.fault, disturbed.at = ChangeRejected("spec.replicas: too many"), 4
    answer = await intend(ports_of(shop, disturbed), CALLS["scale"])
    assert answer == Refused("change_rejected", "spec.replicas: too many", "")


@pytest.mark.parametrize("at", range(1, 5))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["rollback", "memory", "scale", "selector", "cordon"])
async def test_an_undo_restores_the_snapshot_once_or_says_why_not(
    shop: Shop, disturbed: DisturbedCluster, name: str, fault: str, at: int
) -> None:
    call, ports = CALLS[name], ports_of(shop, disturbed)
    intent = await intend(shop.ports, call)
    assert isinstance(intent, Intent)
    await apply(shop.ports, intent)
    disturbed.target, disturbed.fault, disturbed.at = call.target, FAULTS[fault], at
    outcome = await retried(lambda: undo(ports, intent))
    assert disturbed.done <= 1
    if isinstance(outcome, ClusterError):
        assert not outcome.retryable
    elif outcome.applied is Applied.REFUSED:
        assert outcome.reason
        assert disturbed.done == 0
    elif call.target in shop.cluster._objects:
        assert not holds_the_change(shop.cluster, call)
        again = await undo(shop.ports, intent)
        assert again.applied is Applied.ALREADY or fault == "replaced"


async def test_an_undo_keeps_what_somebody_else_set_since(shop: Shop) -> None:
    intent = await intend(shop.ports, CALLS["memory"])
    assert isinstance(intent, Intent)
    await apply(shop.ports, intent)
    path = "/spec/template/spec/containers/0/resources/limits/memory"
    shop.cluster.put(patched(shop.cluster.raw(DEPLOYMENT), [PatchOperation("replace", path, "2Gi")]))
    outcome = await undo(shop.ports, intent)
    assert outcome.applied is Applied.REFUSED
    assert outcome.reason == f"somebody else changed {path} of shop/deployment/checkout since; their value stays"
    assert "2Gi" in str(shop.cluster.raw(DEPLOYMENT))


async def test_an_undo_leaves_other_fields_as_others_set_them(shop: Shop) -> None:
    intent = await intend(shop.ports, CALLS["memory"])
    assert isinstance(intent, Intent)
    await apply(shop.ports, intent)
    shop.cluster.put(patched(shop.cluster.raw(DEPLOYMENT), [PatchOperation("replace", "/spec/replicas", 9)]))
    outcome = await undo(shop.ports, intent)
    assert outcome.applied is Applied.DONE
    assert "changed by others" in outcome.reason
    after = KubeObject(shop.cluster.raw(DEPLOYMENT))
    assert after.integer("spec", "replicas") == 9
    assert "512Mi" in str(after.at("spec", "template"))


async def test_an_undo_meets_a_container_list_in_another_order_and_stops(shop: Shop) -> None:
    intent = await intend(shop.ports, CALLS["memory"])
    assert isinstance(intent, Intent)
    await apply(shop.ports, intent)
    raw = shop.cluster.raw(DEPLOYMENT)
    containers = KubeObject(raw).at("spec", "template", "spec", "containers")
    assert isinstance(containers, list)
    swapped = PatchOperation("replace", "/spec/template/spec/containers", [containers[1], containers[0]])
    shop.cluster.put(patched(raw, [swapped]))
    assert (await undo(shop.ports, intent)).applied is Applied.REFUSED


LIMIT: JsonObject = {"f:resources": {"f:limits": {"f:memory": {}}}}
HELD: JsonObject = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': LIMIT}}}}}


def written_by(raw: JsonObject, *managers: str) -> JsonObject:
    """The object with the memory limit of its container held by those managers."""
    entries: list[Json] = [
        {"manager": name, "operation": "Update", "time": "2026-05-04T12:00:00Z", "fieldsV1": HELD} for name in managers
    ]
    metadata = raw["metadata"]
    assert isinstance(metadata, dict)
    metadata["managedFields"] = entries
    return raw


async def changed_by(shop: Shop, intent: Intent, *managers: str) -> None:
    """The very change of the intent made, with the memory limit held by those managers afterwards."""
    await shop.cluster.write(at_version(intent.preview.change, await shop.cluster.get(DEPLOYMENT)))
    shop.cluster.put(written_by(shop.cluster.raw(DEPLOYMENT), *managers))


@pytest.mark.parametrize(("manager", "applied"), [("kubectl-edit", Applied.REFUSED), ("kubernaut", Applied.ALREADY)])
async def test_the_same_change_by_somebody_else_is_theirs(shop: Shop, manager: str, applied: Applied) -> None:
    intent = await intend(shop.ports, CALLS["memory"])
    assert isinstance(intent, Intent)
    await changed_by(shop, intent, manager)
    done = await apply(shop.ports, intent)
    assert done.applied is applied
    assert ("kubectl-edit made this very change" in done.reason) is (applied is Applied.REFUSED)


async def test_an_undo_keeps_what_somebody_else_set_to_the_same_value_since(shop: Shop) -> None:
    intent = await intend(shop.ports, CALLS["memory"])
    assert isinstance(intent, Intent)
    await changed_by(shop, intent, "kubernaut", "kube-controller-manager", "kubectl")
    outcome = await undo(shop.ports, intent)
    assert outcome.applied is Applied.REFUSED
    assert "kubectl wrote .spec.template.spec.containers[app].resources.limits.memory" in outcome.reason

    shop.cluster.put(written_by(shop.cluster.raw(DEPLOYMENT), "kubernaut", "kube-controller-manager"))
    assert (await undo(shop.ports, intent)).applied is Applied.DONE
