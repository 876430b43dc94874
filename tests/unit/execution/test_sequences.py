"""Remedies of many objects: what waits, what is given up, and what is taken back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.changes import Change, ObjectCreation, ObjectDeletion
from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter
from kubernaut.domain.errors import ChangeRejected
from kubernaut.domain.execution import Applied, Intent, Refused
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.engine.codec import dump, load
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply, undo
from kubernaut.ports import Listing, Resource
from tests.remedies import NOW, Raw, StillClock, contents, ref, thing, town

CATALOGUE = discover()
NODE = ref("Node", "worker-1", "")
POD = ref("Pod", "checkout-a")
VAULTED = ref("Secret", "vaulted")


@dataclass
class LiveClock(StillClock):
    """A clock on which something happens while others sleep."""

    events: dict[int, object] = field(default_factory=dict)
    slept: int = 0

    def __post_init__(self) -> None:
        self.moment = NOW

    async def sleep(self, duration: timedelta) -> None:
        self.moment += duration
        self.slept += 1
        happening = self.events.get(self.slept)
        if callable(happening):
            happening()


@dataclass
class BackwardClock(LiveClock):
    """A clock that is set back whenever it went on."""

    async def sleep(self, duration: timedelta) -> None:
        await super().sleep(duration)
        assert self.slept < 1000
        self.moment = NOW - timedelta(hours=1)


def call(action: str, target: ObjectRef, **parameters: Parameter) -> ActionCall:
    return ActionCall(ActionId(action), target, parameters)


def guarded(allowed: int) -> Raw:
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "checkout"}}}
    return thing("policy/v1", "PodDisruptionBudget", "shield", spec=spec, status={"disruptionsAllowed": allowed})


async def intended(cluster: MemoryCluster, clock: StillClock, wanted: ActionCall) -> tuple[ExecutionPorts, Intent]:
    ports = ExecutionPorts(cluster, cluster, clock, CATALOGUE)
    intent = await intend(ports, wanted)
    assert isinstance(intent, Intent), intent
    return ports, intent


async def test_an_eviction_waits_for_its_budget_and_goes_on_when_it_allows_it() -> None:
    cluster, clock = MemoryCluster([*town(), guarded(0)]), LiveClock()
    clock.events = {3: lambda: cluster.put(guarded(1))}
    ports, intent = await intended(cluster, clock, call("drain_node", NODE, deadline_s=60))
    assert any("waits" in line for line in intent.preview.diff)
    done = await apply(ports, intent)
    assert (done.applied, clock.slept) == (Applied.DONE, 3)
    assert await cluster.get(POD) is None


async def test_an_eviction_is_tried_again_no_sooner_than_the_api_server_asked_for() -> None:
    # The cluster of these tests asks for ten seconds, twice the pause.
    cluster, clock = MemoryCluster([*town(), guarded(0)]), LiveClock()
    clock.events = {1: lambda: cluster.put(guarded(1))}
    ports, intent = await intended(cluster, clock, call("drain_node", NODE, deadline_s=60))
    assert (await apply(ports, intent)).applied is Applied.DONE
    assert clock.moment - NOW == timedelta(seconds=10)


async def test_a_drain_that_a_budget_never_allows_is_given_up_and_uncordoned() -> None:
    cluster, clock = MemoryCluster([*town(), guarded(0)]), LiveClock()
    ports, intent = await intended(cluster, clock, call("drain_node", NODE, deadline_s=60))
    before = contents(cluster)
    done = await apply(ports, intent)
    assert done.applied is Applied.REFUSED
    assert "1 of 2 done; not done: shop/pod/checkout-a (the time was up" in done.reason
    assert "taken back: node/worker-1" in done.reason
    assert contents(cluster) == before
    assert clock.moment - NOW <= timedelta(seconds=70)


async def test_a_clock_that_is_set_back_again_and_again_lengthens_no_drain_and_no_undo() -> None:
    cluster, clock = MemoryCluster([*town(), guarded(0)]), BackwardClock()
    ports, intent = await intended(cluster, clock, call("drain_node", NODE, deadline_s=60))
    assert (await apply(ports, intent)).applied is Applied.REFUSED
    assert clock.slept <= 12

    claims, clock = ProtectedClaims(town()), BackwardClock()
    claim = ref("PersistentVolumeClaim", "scratch")
    ports, intent = await intended(claims, clock, call("recreate_pvc", claim, storage_class="fast"))
    clock.events = {1: lambda: claims.remove(claim)}
    assert (await apply(ports, intent)).applied is Applied.DONE
    assert (await undo(ports, intent)).applied is Applied.REFUSED
    assert clock.slept == 31


async def test_a_drain_that_broke_off_in_the_middle_goes_on_where_it_was() -> None:
    cluster, clock = MemoryCluster(town()), LiveClock()
    ports, intent = await intended(cluster, clock, call("drain_node", NODE))
    await apply(ports, replace(intent, further=()))
    assert await cluster.get(POD) is not None
    done = await apply(ports, load(Intent, dump(intent)))
    assert done.applied is Applied.DONE
    assert await cluster.get(POD) is None


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        ({"metadata": {"ownerReferences": []}}, "bare_pod"),
        ({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}, "local_data"),
        ({"spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": "64"}}}]}}, "no_capacity"),
    ],
)
async def test_a_node_whose_pods_would_be_lost_is_not_drained(change: dict[str, Raw], guard: str) -> None:
    cluster = MemoryCluster(town())
    pod = cluster.raw(POD)
    for part, fields in change.items():
        pod[part].update(fields)  # type: ignore[union-attr]
    cluster.put(pod)
    answer = await intend(ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE), call("drain_node", NODE))
    assert isinstance(answer, Refused)
    assert answer.guard == guard


class TooManyPods(MemoryCluster):
    """A cluster of which not all pods can be read."""

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        listing = await super().list(resource, namespace, labels=labels, fields=fields, limit=limit)
        return replace(listing, complete=listing.complete and resource.kind != "Pod")


@pytest.mark.parametrize(
    "wanted", [call("drain_node", NODE), call("migrate_workload", ref("Deployment", "checkout"), node="worker-1")]
)
async def test_nothing_is_moved_to_nodes_of_which_not_all_pods_are_known(wanted: ActionCall) -> None:
    prepared = await CATALOGUE[wanted.action].prepared(TooManyPods(town()), wanted, NOW)
    assert isinstance(prepared, Refused)
    assert prepared.guard == "not_read"


async def test_the_last_node_of_a_pool_is_not_drained() -> None:
    cluster = MemoryCluster(town())
    node = cluster.raw(NODE)
    node["metadata"]["labels"]["karpenter.sh/nodepool"] = "large"  # type: ignore[index, call-overload]
    cluster.put(node)
    answer = await intend(ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE), call("drain_node", NODE))
    assert isinstance(answer, Refused)
    assert answer.guard == "last_of_pool"


def user_of_the_secret() -> Raw:
    reference = {"name": "T", "valueFrom": {"secretKeyRef": {"name": "vaulted", "key": "token"}}}
    pod = {"containers": [{"name": "app", "image": "u:1", "env": [reference]}]}
    return thing("apps/v1", "Deployment", "user", spec={"template": {"metadata": {}, "spec": pod}}, status={})


async def test_who_reads_a_secret_restarts_after_its_owner_has_renewed_it() -> None:
    cluster, clock = MemoryCluster([*town(), user_of_the_secret()]), LiveClock()
    ports, intent = await intended(cluster, clock, call("rotate_secret", VAULTED))

    def renew() -> None:
        user = KubeObject(cluster.raw(ref("Deployment", "user")))
        assert not user.has("spec", "template", "metadata", "annotations")
        cluster.put({**cluster.raw(VAULTED), "data": {"token": "bmV3"}})

    clock.events = {2: renew}
    assert (await apply(ports, intent)).applied is Applied.DONE
    user = KubeObject(cluster.raw(ref("Deployment", "user")))
    assert "kubectl.kubernetes.io/restartedAt" in str(user.at("spec", "template", "metadata"))


async def test_a_secret_that_its_owner_does_not_renew_restarts_nobody_and_says_so() -> None:
    cluster, clock = MemoryCluster([*town(), user_of_the_secret()]), LiveClock()
    ports, intent = await intended(cluster, clock, call("rotate_secret", VAULTED))
    done = await apply(ports, intent)
    assert "1 of 2 done; not done: shop/deployment/user (the time was up" in done.reason
    user = KubeObject(cluster.raw(ref("Deployment", "user")))
    assert not user.has("spec", "template", "metadata", "annotations")


async def test_no_value_of_a_secret_is_in_what_is_stored_about_its_rotation() -> None:
    cluster = MemoryCluster([*town(), user_of_the_secret()])
    _, intent = await intended(cluster, StillClock(), call("rotate_secret", VAULTED))
    assert "aGlkZGVu" not in str(dump(intent))


async def test_a_secret_that_nobody_owns_is_not_renewed() -> None:
    cluster = MemoryCluster(town())
    ports = ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE)
    answer = await intend(ports, call("rotate_secret", ref("Secret", "credentials")))
    assert isinstance(answer, Refused)
    assert answer.guard == "unsupported"


async def test_one_evicted_pod_that_cannot_be_deleted_keeps_no_other() -> None:
    class Refusing(MemoryCluster):
        async def write(self, change: Change, *, dry_run: bool = False, **_: object) -> KubeObject | None:
            if change.target.name == "checkout-y" and not dry_run:
                raise ChangeRejected("a webhook keeps it")
            return await super().write(change, dry_run=dry_run)

    cluster = Refusing(town())
    ports, intent = await intended(cluster, StillClock(), call("delete_evicted_pods", ref("Deployment", "checkout")))
    done = await apply(ports, intent)
    assert done.applied is Applied.DONE
    assert done.reason == "1 of 2 done; not done: shop/pod/checkout-y (a webhook keeps it)"
    assert await cluster.get(ref("Pod", "checkout-x")) is None


async def test_a_claim_that_is_not_made_anew_is_there_again_as_it_was() -> None:
    class Full(MemoryCluster):
        async def write(self, change: Change, *, dry_run: bool = False, **_: object) -> KubeObject | None:
            if isinstance(change, ObjectCreation) and not dry_run and "undo" not in change.mark:
                raise ChangeRejected("exceeded quota")
            return await super().write(change, dry_run=dry_run)

    cluster = Full(town())
    before = contents(cluster)
    claim = ref("PersistentVolumeClaim", "scratch")
    ports, intent = await intended(cluster, StillClock(), call("recreate_pvc", claim, storage_class="fast"))
    done = await apply(ports, intent)
    assert done.applied is Applied.REFUSED
    assert "taken back: shop/persistentvolumeclaim/scratch" in done.reason
    assert contents(cluster) == before


class ProtectedClaims(MemoryCluster):
    """Claims stay, marked as leaving, until their controller lets them go."""

    async def write(self, change: Change, *, dry_run: bool = False, **_: object) -> KubeObject | None:
        if isinstance(change, ObjectDeletion) and change.target.kind == "PersistentVolumeClaim" and not dry_run:
            raw: Raw = self.raw(change.target)
            raw["metadata"]["deletionTimestamp"] = "2026-05-04T12:00:00Z"
            self.put(raw)
            return None
        return await super().write(change, dry_run=dry_run)


async def test_a_claim_is_made_anew_and_taken_back_once_its_controller_let_the_former_one_go() -> None:
    cluster, clock = ProtectedClaims(town()), LiveClock()
    claim = ref("PersistentVolumeClaim", "scratch")
    before = contents(cluster)
    ports, intent = await intended(cluster, clock, call("recreate_pvc", claim, storage_class="fast"))
    clock.events = {2: lambda: cluster.remove(claim), 5: lambda: cluster.remove(claim)}
    done = await apply(ports, intent)
    assert (done.applied, clock.slept) == (Applied.DONE, 2)
    back = await undo(ports, intent)
    assert (back.applied, clock.slept) == (Applied.DONE, 5)
    assert contents(cluster) == before


async def test_a_claim_that_a_stateful_set_would_make_again_with_the_old_class_is_not_made_anew() -> None:
    template = {"metadata": {"name": "data"}, "spec": {"storageClassName": "gone"}}
    owner = thing("apps/v1", "StatefulSet", "ledger-eu", spec={"volumeClaimTemplates": [template]})
    names = {"data-ledger-eu-0": True, "data-ledger-0": False, "data-ledger-eu": False, "data-ledger-eu-x": False}
    for name, is_made in names.items():
        claim = thing(
            "v1", "PersistentVolumeClaim", name, spec={"storageClassName": "gone"}, status={"phase": "Pending"}
        )
        ports = ExecutionPorts(MemoryCluster([*town(), owner, claim]), MemoryCluster(), StillClock(), CATALOGUE)
        wanted = call("recreate_pvc", ref("PersistentVolumeClaim", name), storage_class="fast")
        prepared = await CATALOGUE["recreate_pvc"].prepared(ports.reader, wanted, NOW)
        assert isinstance(prepared, Refused) is is_made, name
        if isinstance(prepared, Refused):
            assert prepared.guard == "made_by_owner"


async def test_a_claim_that_never_goes_is_said_to_be_still_there() -> None:
    cluster, clock = ProtectedClaims(town()), LiveClock()
    claim = ref("PersistentVolumeClaim", "scratch")
    ports, intent = await intended(cluster, clock, call("recreate_pvc", claim, storage_class="fast"))
    clock.events = {1: lambda: cluster.remove(claim)}
    assert (await apply(ports, intent)).applied is Applied.DONE
    back = await undo(ports, intent)
    assert back.applied is Applied.REFUSED
    assert "scratch is still being deleted" in back.reason


async def test_an_object_that_somebody_changed_after_we_made_it_stays() -> None:
    cluster = MemoryCluster(town())
    job = call("quarantine_pod", POD)
    ports, intent = await intended(cluster, StillClock(), job)
    await apply(ports, intent)
    policy = intent.preview.change.target
    raw = cluster.raw(policy)
    raw["spec"]["policyTypes"] = ["Ingress"]  # type: ignore[index, call-overload]
    cluster.put(raw)
    back = await undo(ports, intent)
    assert back.applied is Applied.REFUSED
    assert "somebody else changed" in back.reason
    assert await cluster.get(policy) is not None


async def test_what_somebody_added_to_an_object_that_we_made_stays_with_it() -> None:
    cluster = MemoryCluster(town())
    ports, intent = await intended(cluster, StillClock(), call("quarantine_pod", POD))
    await apply(ports, intent)
    policy = intent.preview.change.target
    raw = cluster.raw(policy)
    raw["spec"]["egress"] = [{"to": []}]  # type: ignore[index, call-overload]
    cluster.put(raw)
    back = await undo(ports, intent)
    assert back.applied is Applied.REFUSED
    assert await cluster.get(policy) is not None


class EditedInTheLastMoment(MemoryCluster):
    """Somebody edits an object between the last look at it and its deletion."""

    async def write(self, change: Change, *, dry_run: bool = False, **_: object) -> KubeObject | None:
        if isinstance(change, ObjectDeletion) and not dry_run:
            raw: Raw = self.raw(change.target)
            raw["spec"]["policyTypes"] = ["Ingress"]
            self.put(raw)
        return await super().write(change, dry_run=dry_run)


async def test_an_object_that_is_edited_in_the_moment_of_its_deletion_stays() -> None:
    cluster = EditedInTheLastMoment(town())
    ports, intent = await intended(cluster, StillClock(), call("quarantine_pod", POD))
    await apply(ports, intent)
    policy = intent.preview.change.target
    back = await undo(ports, intent)
    assert back.applied is Applied.REFUSED
    assert "somebody else changed" in back.reason
    assert await cluster.get(policy) is not None


async def test_what_the_server_warns_of_is_kept_with_the_preview_and_the_execution() -> None:
    cluster = MemoryCluster(town())
    cluster.warnings = ["would violate PodSecurity restricted"]
    ports, intent = await intended(cluster, StillClock(), call("cordon_node", NODE))
    assert intent.preview.warnings == ("would violate PodSecurity restricted",)
    assert (await apply(ports, intent)).warnings == ("would violate PodSecurity restricted",)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("suspend",), False, "not suspended"),
        (("jobTemplate", "spec", "activeDeadlineSeconds"), 0, "activeDeadlineSeconds"),
        (("jobTemplate", "spec", "template", "spec", "serviceAccountName"), "default", "account of its own"),
        (("jobTemplate", "spec", "template", "spec", "containers", 0, "image"), "tool:latest", "pinned by digest"),
        (("jobTemplate", "spec", "template", "spec", "containers", 0, "securityContext"), {}, "as root"),
        (("jobTemplate", "spec", "template", "spec", "hostNetwork"), True, "reaches into its node"),
    ],
)
async def test_a_workflow_that_is_not_declared_safely_is_not_run(
    path: tuple[str | int, ...], value: object, words: str
) -> None:
    cluster = MemoryCluster(town())
    raw: Raw = cluster.raw(ref("CronJob", "backup"))
    place = raw["spec"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    cluster.put(raw)
    wanted = call("run_workflow", ref("CronJob", "backup"), inputs="database=orders")
    answer = await intend(ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE), wanted)
    assert isinstance(answer, Refused)
    assert answer.guard == "unsafe_workflow"
    assert words in answer.reason


@pytest.mark.parametrize("inputs", ["", "database=payroll", "database=orders,extra=1", "database=orders;rm -rf /"])
async def test_a_workflow_takes_only_the_inputs_that_it_declares(inputs: str) -> None:
    cluster = MemoryCluster(town())
    wanted = call("run_workflow", ref("CronJob", "backup"), inputs=inputs)
    answer = await intend(ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE), wanted)
    assert isinstance(answer, Refused)
    assert answer.guard == "wrong_inputs"
