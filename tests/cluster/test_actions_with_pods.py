"""Actions whose effect is in what controllers and the kubelet make of them, with real pods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter
from kubernaut.domain.execution import Applied, Intent
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply, undo
from kubernaut.resources import ENDPOINT_SLICE, JOB, POD
from tests.cluster.cluster import Cluster
from tests.cluster.images import REGISTRY, build, storefront
from tests.cluster.manifests import Storefront
from tests.cluster.staged_town import opened

CATALOGUE = discover()
IMAGE = build(storefront("1.0"))
PINNED = next(f"{REGISTRY}/storefront@{digest}" for digest, blob in IMAGE.contents.items() if blob == IMAGE.manifest)


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with three pods behind a Service."""
    with cluster.namespace() as namespace:
        wanted = Storefront(namespace, replicas=3)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "tool", "namespace": namespace}}
        cluster.apply(account, wanted.deployment(), wanted.service())
        cluster.wait_for("deployment/storefront", ".status.readyReplicas", "3", namespace=namespace)
        yield namespace


class Doing:
    """Actions by an administrator, and what is seen afterwards."""

    def __init__(self, ports: ExecutionPorts, namespace: str) -> None:
        self.ports, self.namespace = ports, namespace

    def ref(self, kind: str, name: str, api: str = "v1") -> ObjectRef:
        return ObjectRef(api, kind, self.namespace, name)

    @property
    def workload(self) -> ObjectRef:
        return self.ref("Deployment", "storefront", "apps/v1")

    async def do(self, action: str, target: ObjectRef, **parameters: Parameter) -> Intent:
        intent = await intend(self.ports, ActionCall(ActionId(action), target, parameters))
        assert isinstance(intent, Intent), intent
        done = await apply(self.ports, intent)
        assert done.applied is Applied.DONE, done.reason
        return intent

    async def take_back(self, intent: Intent) -> None:
        back = await undo(self.ports, intent)
        assert back.applied is Applied.DONE, back.reason

    async def pods(self) -> list[KubeObject]:
        """Those of the shop that stay."""
        found = (await self.ports.reader.list(POD, self.namespace, labels="app=storefront")).items
        return [each for each in found if not each.has("metadata", "deletionTimestamp")]

    async def serving(self) -> set[str]:
        """The pods that the Service leads to."""
        parts = (await self.ports.reader.list(ENDPOINT_SLICE, self.namespace)).items
        ends = [end for part in parts for end in part.trees("endpoints") if end.flag("conditions", "ready")]
        return {end.text("targetRef", "name") for end in ends}

    async def until_ready(self, count: int) -> list[KubeObject]:
        async def all_ready() -> bool:
            pods = await self.pods()
            return len(pods) == count and all(is_ready(pod) for pod in pods)

        await eventually(all_ready)
        return await self.pods()


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await look():
            await asyncio.sleep(0.2)


@pytest.fixture
async def doing(cluster: Cluster, shop: str) -> AsyncIterator[Doing]:
    async with opened(cluster.kubeconfig) as api:
        ports = ExecutionPorts(KubernetesReader(api), KubernetesWriter(api), SystemClock(), CATALOGUE)
        found = Doing(ports, shop)
        await found.until_ready(3)
        yield found


async def test_a_restarted_pod_is_replaced_by_one_that_becomes_ready(doing: Doing) -> None:
    first, *others = await doing.pods()
    await doing.do("restart_pod", doing.ref("Pod", first.name))
    now = {pod.uid for pod in await doing.until_ready(3)}
    assert first.uid not in now
    assert {pod.uid for pod in others} <= now


async def test_a_restarted_workload_has_new_pods_and_the_old_ones_are_gone(doing: Doing) -> None:
    before = {pod.uid for pod in await doing.pods()}
    await doing.do("restart_workload", doing.workload)

    async def all_new() -> bool:
        return not before & {pod.uid for pod in await doing.pods()}

    await eventually(all_new)
    await doing.until_ready(3)


async def test_a_scaled_workload_gets_its_pod_and_gives_it_up_when_that_is_taken_back(doing: Doing) -> None:
    intent = await doing.do("scale_workload", doing.workload, replicas=4)
    await doing.until_ready(4)
    await doing.take_back(intent)
    await doing.until_ready(3)


async def test_a_pod_in_quarantine_runs_on_without_traffic_while_another_takes_its_place(doing: Doing) -> None:
    odd = (await doing.pods())[0]
    intent = await doing.do("quarantine_pod", doing.ref("Pod", odd.name))
    replaced = await doing.until_ready(3)
    assert odd.name not in {pod.name for pod in replaced}
    kept = await doing.ports.reader.get(doing.ref("Pod", odd.name))
    assert kept is not None
    assert (kept.uid, kept.text("status", "phase"), kept.controller) == (odd.uid, "Running", None)

    async def without_it() -> bool:
        return odd.name not in await doing.serving()

    await eventually(without_it)
    await doing.take_back(intent)
    await doing.until_ready(3)


async def test_a_claim_of_a_class_that_is_not_there_is_made_anew_and_taken_back(cluster: Cluster, doing: Doing) -> None:
    right, wrong = f"{doing.namespace}-disk", f"{doing.namespace}-dsik"
    late = {"provisioner": "example.com/none", "volumeBindingMode": "WaitForFirstConsumer"}
    cluster.apply(
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": right}, **late},
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": doing.namespace},
            "spec": {
                "storageClassName": wrong,
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        },
    )
    claim = doing.ref("PersistentVolumeClaim", "data")
    intent = await doing.do("recreate_pvc", claim, storage_class=right)
    made = await doing.ports.reader.get(claim)
    assert made is not None
    assert made.text("spec", "storageClassName") == right
    await doing.take_back(intent)
    former = await doing.ports.reader.get(claim)
    assert former is not None
    assert former.text("spec", "storageClassName") == wrong


def task(namespace: str, name: str, *command: str, **annotations: str) -> dict[str, object]:
    container = {"name": "tool", "image": PINNED, "command": [*command], "securityContext": {"runAsNonRoot": True}}
    pod = {
        "restartPolicy": "Never",
        "serviceAccountName": "tool",
        "securityContext": {"runAsUser": 1000},
        "containers": [container],
    }
    spec = {"backoffLimit": 0, "activeDeadlineSeconds": 300, "template": {"spec": pod}}
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


async def ended(doing: Doing, condition: str, *, known: int) -> KubeObject:
    """The Job that came last, once it has ended so."""

    async def newest() -> KubeObject:
        jobs = (await doing.ports.reader.list(JOB, doing.namespace)).items
        return max(jobs, key=lambda job: (str(job.created_at), job.name)) if len(jobs) > known else KubeObject({})

    async def is_over() -> bool:
        state = (await newest()).condition(condition)
        return state is not None and state.text("status") == "True"

    await eventually(is_over)
    return await newest()


async def test_a_failed_job_runs_again_in_pods_of_its_own(cluster: Cluster, doing: Doing) -> None:
    marks = {"kubernaut.ai/idempotent": "true"}
    cluster.apply(task(doing.namespace, "import", "/bin/false", **marks))
    first = await ended(doing, "Failed", known=0)
    intent = await doing.do("rerun_job", doing.ref("Job", "import", "batch/v1"))
    again = await ended(doing, "Failed", known=1)
    assert again.uid != first.uid
    assert again.integer("status", "failed") == 1
    await doing.take_back(intent)
    assert await doing.ports.reader.get(again.ref) is None


async def test_a_declared_workflow_runs_to_its_end_with_its_inputs(cluster: Cluster, doing: Doing) -> None:
    declared = {"kubernaut.ai/workflow": "backup", "kubernaut.ai/inputs": '{"database": ["orders"]}'}
    wanted = task(doing.namespace, "backup", "/bin/sh", "-c", 'test "$INPUT_DATABASE" = orders')
    cluster.apply(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "backup", "namespace": doing.namespace, "annotations": declared},
            "spec": {"schedule": "0 3 * * *", "suspend": True, "jobTemplate": {"spec": wanted["spec"]}},
        }
    )
    known = len((await doing.ports.reader.list(JOB, doing.namespace)).items)
    await doing.do("run_workflow", doing.ref("CronJob", "backup", "batch/v1"), inputs="database=orders")
    done = await ended(doing, "Complete", known=known)
    assert done.integer("status", "succeeded") == 1
