"""Faults that only Prometheus shows; without one they are not seen, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.metrics import MemoryMetrics
from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.evidence import EvidenceSource
from kubernaut.domain.measures import (
    CALLS_FAILED,
    CALLS_REJECTED,
    CERTIFICATES_LEFT,
    CPU_THROTTLED,
    CPU_USED,
    DISK_ERRORS,
    ETCD_SLOW,
    MEMORY_SHARE,
    MEMORY_USED,
    TCP_RESENT,
    VOLUME_FREE,
)
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.diagnosing import diagnose
from kubernaut.investigation.inquiry import first_look, inquire
from tests.objects import (
    NOW,
    container,
    crash_loop,
    deployment,
    metadata,
    namespace,
    node,
    pod,
    replica_set,
    running,
    template,
)

PLATFORM = namespace("kube-system")
CLAIM = KubeObject(
    {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata("PersistentVolumeClaim", "ledger"),
        "spec": {"volumeName": "pv-1"},
        "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}},
    }
)


def a_workload(*, cpu: str = "", memory: str = "", status: object = None) -> list[KubeObject]:
    limits = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    wanted = template(container(resources={"limits": limits}))
    top = deployment("checkout", wanted, replicas=1)
    made = replica_set(top, 1, wanted, desired=1, available=1)
    return [node(), top, made, pod(f"{made.name}-x2v8k", [status or running()], of=made)]


class Lab:
    def __init__(self, objects: Iterable[KubeObject]) -> None:
        self.objects = list(objects)
        self.cluster = MemoryCluster(dict(item.raw) for item in self.objects)
        self.metrics = MemoryMetrics()
        self.say = partial(self.metrics.say, at=NOW)

    @property
    def pod(self) -> str:
        return self.objects[-1].name

    async def diagnose(self, target: KubeObject, *, connected: bool = True) -> Diagnosis:
        examine = partial(diagnose, target=target.ref)
        metrics = self.metrics if connected else None
        _, found = await inquire(self.cluster, ManualClock(NOW), first_look([target.ref]), examine, metrics=metrics)
        return found


def best(diagnosis: Diagnosis) -> tuple[str, ObjectRef] | None:
    return (diagnosis.best.cause, diagnosis.best.target) if diagnosis.best else None


def throttled(lab: Lab, share: float, cores: float) -> None:
    lab.say(CPU_THROTTLED.name, share, pod=lab.pod, container="app")
    lab.say(CPU_USED.name, cores, pod=lab.pod, container="app")


async def test_a_container_throttled_near_its_limit_is_held_back_by_it() -> None:
    lab = Lab(a_workload(cpu="500m"))
    throttled(lab, 0.6, 0.48)

    diagnosis = await lab.diagnose(lab.objects[1])

    assert best(diagnosis) == ("cpu_limit_too_low", lab.objects[1].ref)
    assert diagnosis.best is not None
    assert diagnosis.best.verdict is not Verdict.ACT
    told = [each for each in diagnosis.evidence if each.source is EvidenceSource.METRIC]
    assert [each.ref for each in told] == [measure.of(namespace="shop").query for measure in (CPU_THROTTLED, CPU_USED)]


@pytest.mark.parametrize(
    ("share", "cores"),
    [
        pytest.param(0.25, 0.5, id="at the threshold"),
        pytest.param(0.6, 0.1, id="throttled in short bursts, far from the limit"),
        pytest.param(0.0, 0.5, id="busy and not throttled"),
    ],
)
async def test_throttling_that_costs_little_is_no_fault(share: float, cores: float) -> None:
    lab = Lab(a_workload(cpu="500m"))
    throttled(lab, share, cores)

    assert (best(await lab.diagnose(lab.objects[1])) or ("healthy",))[0] == "healthy"


async def test_the_throttling_of_another_workloads_pod_is_not_held_against_this_one() -> None:
    lab = Lab(a_workload(cpu="500m"))
    lab.say(CPU_THROTTLED.name, 0.9, pod="cart-77b-x", container="app")
    lab.say(CPU_USED.name, 0.5, pod="cart-77b-x", container="app")

    assert (best(await lab.diagnose(lab.objects[1])) or ("healthy",))[0] == "healthy"


async def test_a_workload_without_a_cpu_limit_costs_no_query_about_it() -> None:
    lab = Lab(a_workload())

    await lab.diagnose(lab.objects[1])

    assert not [asked for asked in lab.metrics.asked if asked.name == CPU_THROTTLED.name]


async def test_without_a_prometheus_nothing_is_asked_and_nothing_is_said_to_be_missing() -> None:
    lab = Lab(a_workload(cpu="500m"))
    throttled(lab, 0.6, 0.48)

    diagnosis = await lab.diagnose(lab.objects[1], connected=False)

    assert (best(diagnosis) or ("healthy",))[0] == "healthy"
    assert not diagnosis.not_read


async def test_a_prometheus_that_is_down_is_named_and_the_rest_of_the_diagnosis_stands() -> None:
    lab = Lab(a_workload(memory="256Mi", status=crash_loop(137, "OOMKilled")))
    lab.metrics.down = True

    diagnosis = await lab.diagnose(lab.objects[1])

    assert best(diagnosis) == ("memory_limit_too_low", lab.objects[1].ref)
    assert [gap.what for gap in diagnosis.not_read] == [f"metric {MEMORY_USED.name}"]


async def test_memory_that_rises_all_the_time_speaks_against_a_higher_limit() -> None:
    steady, leaking = (Lab(a_workload(memory="256Mi", status=crash_loop(137, "OOMKilled"))) for _ in range(2))
    steady.say(MEMORY_USED.name, *[250e6] * 40, pod=steady.pod, container="app")
    leaking.say(MEMORY_USED.name, *[5e6 * minute for minute in range(10, 50)], pod=leaking.pod, container="app")

    one, other = await steady.diagnose(steady.objects[1]), await leaking.diagnose(leaking.objects[1])

    assert one.best is not None
    assert other.best is not None
    assert other.best.confidence < one.best.confidence
    assert other.best.contradicting
    assert other.best.verdict is not Verdict.ACT


async def test_a_few_values_are_no_slope() -> None:
    lab = Lab(a_workload(memory="256Mi", status=crash_loop(137, "OOMKilled")))
    lab.say(MEMORY_USED.name, *[5e6 * minute for minute in range(10, 20)], pod=lab.pod, container="app")

    diagnosis = await lab.diagnose(lab.objects[1])

    assert diagnosis.best is not None
    assert not diagnosis.best.contradicting


async def test_packets_lost_on_the_node_of_a_well_workload_are_found_behind_it() -> None:
    lab = Lab(a_workload())
    lab.say(TCP_RESENT.name, 0.12, nodename="worker-1")
    lab.say(TCP_RESENT.name, 0.0004, nodename="worker-2")

    assert best(await lab.diagnose(lab.objects[1])) == ("network_lossy", lab.objects[0].ref)


async def test_packets_lost_on_another_node_are_not_blamed_on_this_workload() -> None:
    lab = Lab(a_workload())
    lab.say(TCP_RESENT.name, 0.12, nodename="worker-2")

    assert (best(await lab.diagnose(lab.objects[1])) or ("healthy",))[0] == "healthy"


async def test_a_disk_that_cannot_be_read_is_told_to_people() -> None:
    lab = Lab([node()])
    lab.say(DISK_ERRORS.name, 1, nodename="worker-1", mountpoint="/var/lib/data")

    diagnosis = await lab.diagnose(lab.objects[0])

    assert best(diagnosis) == ("disk_failing", lab.objects[0].ref)
    assert diagnosis.best is not None
    assert diagnosis.best.verdict is Verdict.ESCALATE


@pytest.mark.parametrize(("free", "cause"), [(0.01, "claim_filling"), (0.2, None)])
async def test_a_claim_is_said_to_fill_up_when_the_kubelet_measures_it(free: float, cause: str | None) -> None:
    lab = Lab([node(), CLAIM])
    lab.say(VOLUME_FREE.name, free, persistentvolumeclaim="ledger")

    diagnosis = await lab.diagnose(CLAIM)

    assert (diagnosis.best.cause if diagnosis.best else None) == cause


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        (CALLS_REJECTED.name, 12.0, "api_overloaded"),
        (CALLS_REJECTED.name, 0.1, None),
        (CALLS_FAILED.name, 0.08, "control_plane_degraded"),
        (CALLS_FAILED.name, 0.001, None),
        (ETCD_SLOW.name, 2.5, "control_plane_degraded"),
        (CERTIFICATES_LEFT.name, 86_400.0, "certificates_expire"),
        (CERTIFICATES_LEFT.name, 30 * 86_400.0, None),
    ],
)
async def test_what_ails_the_platform_is_named_for_the_people_who_get_its_alerts(
    name: str, value: float, cause: str | None
) -> None:
    lab = Lab([node(), PLATFORM])
    lab.say(name, value, flow_schema="service-accounts", priority_level="workload-low")

    diagnosis = await lab.diagnose(PLATFORM)

    assert (diagnosis.best.cause if diagnosis.best else None) == cause


async def test_the_series_of_the_platform_say_nothing_about_another_namespace() -> None:
    lab = Lab([node(), namespace("shop")])
    lab.say(CALLS_FAILED.name, 0.5)

    assert best(await lab.diagnose(lab.objects[1])) is None
    assert not lab.metrics.asked


def test_an_objects_name_cannot_become_part_of_a_query() -> None:
    hostile = 'x"} or vector(1) or up{a="'

    asked = VOLUME_FREE.of(namespace=hostile)

    assert asked.query.count('"') - asked.query.count('\\"') == 4
    assert '\\"} or vector(1)' in asked.query


def test_a_template_whose_value_is_missing_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        VOLUME_FREE.of(claim="ledger")


@pytest.mark.parametrize(
    ("share", "values", "cause"),
    [
        (0.93, [5e6 * minute for minute in range(10, 50)], "memory_leak"),
        (0.93, [250e6] * 40, "healthy"),
        (0.40, [5e6 * minute for minute in range(10, 50)], "healthy"),
    ],
    ids=["near-and-rising", "near-and-still", "rising-far-below"],
)
async def test_a_leak_is_told_before_the_kill_and_a_restart_gains_time(
    share: float, values: list[float], cause: str
) -> None:
    lab = Lab(a_workload(memory="256Mi"))
    lab.say(MEMORY_SHARE.name, share, pod=lab.pod, container="app")
    lab.say(MEMORY_USED.name, *values, pod=lab.pod, container="app")

    found = (await lab.diagnose(lab.objects[1])).best

    assert found is not None
    assert found.cause == cause
    if cause == "memory_leak":
        assert (found.verdict, found.remedies[0].action) == (Verdict.APPROVE, "restart_workload")
