"""Rows that only Prometheus shows: the cluster stays as it is, and the series are written as exporters count them."""

from __future__ import annotations

from bench.diagnosis.cases import SCALED, Aim, Policy, about, fault
from bench.diagnosis.faults.storage import mounting
from bench.diagnosis.system import KUBE_SYSTEM, System, pod_spec, ref
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
from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.kinds import NAMESPACE

_DAY = 86_400.0


def _platform(system: System) -> Aim:
    """Alerts about the control plane name no object: they stand for the namespace of its components."""
    if system.cluster.find(NAMESPACE, "", KUBE_SYSTEM) is None:
        system.create("v1", "Namespace", "", {"metadata": {"name": KUBE_SYSTEM}})
    return about(ref("v1", "Namespace", "", KUBE_SYSTEM))


@fault(17, "api_overloaded", Policy.APPROVE, alerts="KubeAPITerminatedRequests KubeAPIErrorBudgetBurn", written=True)
def requests_turned_away(system: System) -> Aim:
    for schema, level, rate in (("service-accounts", "workload-low", 38.0), ("global-default", "global-default", 0.2)):
        system.measured(CALLS_REJECTED, rate, flow_schema=schema, priority_level=level, reason="queue-full")
    system.measured(CALLS_FAILED, 0.001)
    system.measured(ETCD_SLOW, 0.02)
    return _platform(system)


@fault(56, "memory_leak", Policy.ACT, alerts="ContainerMemoryUsageHigh KubePodNotReady", written=True)
def memory_rises_to_its_limit(system: System) -> None:
    """A neighbour stands as near its limit and does not rise, as a cache does."""
    mine = {pod.name for pod in system.pods()}
    for pod in (*system.pods(), *system.pods(system.neighbours[0])):
        name = pod.trees("spec", "containers")[0].text("name")
        rising = [2.0e6 * minute for minute in range(40, 100)] if pod.name in mine else [2.4e8] * 60
        system.measured(MEMORY_SHARE, 0.93, pod=pod.name, container=name)
        system.measured(MEMORY_USED, *rising, pod=pod.name, container=name)


@fault(57, "cpu_limit_too_low", Policy.APPROVE, alerts="CPUThrottlingHigh KubePodNotReady", written=True)
def held_back_by_its_limit(system: System) -> None:
    pods = [pod for program in (system.target, *system.neighbours[:1]) for pod in system.pods(program)]
    mine = {pod.name for pod in system.pods()}
    for pod in pods:
        name = pod.trees("spec", "containers")[0].text("name")
        system.measured(CPU_THROTTLED, 0.62 if pod.name in mine else 0.02, pod=pod.name, container=name)
        system.measured(CPU_USED, 0.96 if pod.name in mine else 0.1, pod=pod.name, container=name)


@fault(93, "network_lossy", Policy.ESCALATE, alerts="NodeNetworkRetransmits KubeNodeReadinessFlapping", written=True)
def segments_sent_again(system: System) -> Aim:
    bad = system.draw.choice(system.nodes)
    for name in system.nodes:
        system.measured(TCP_RESENT, 0.14 if name == bad else 0.002, nodename=name, instance=f"{name}:9100")
    return about(ref("v1", "Node", "", bad))


@fault(108, "claim_filling", Policy.APPROVE, alerts="KubePersistentVolumeFillingUp", kinds=SCALED, written=True)
def room_runs_out(system: System) -> Aim:
    """The claim is bound by hand, since the sandbox provisions no volume."""
    kind, claim, volume = system.names.word(), system.names.word(), system.names.word()
    grows = system.draw.random() < 0.7
    body: JsonObject = {
        "metadata": {"name": kind}, "provisioner": "csi.example.com", "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": grows,
    }  # fmt: skip
    system.create("storage.k8s.io/v1", "StorageClass", "", body)
    size: JsonObject = {"storage": "20Gi"}
    held: JsonObject = {"kind": "PersistentVolumeClaim", "namespace": system.namespace, "name": claim}
    spec: JsonObject = {
        "capacity": size, "accessModes": ["ReadWriteMany"], "storageClassName": kind, "claimRef": held,
        "hostPath": {"path": f"/srv/{volume}"},
    }  # fmt: skip
    system.create("v1", "PersistentVolume", "", {"metadata": {"name": volume}, "spec": spec})
    asked: JsonObject = {
        "accessModes": ["ReadWriteMany"], "storageClassName": kind, "volumeName": volume,
        "resources": {"requests": size},
    }  # fmt: skip
    system.create("v1", "PersistentVolumeClaim", system.namespace, {"metadata": {"name": claim}, "spec": asked})
    system.apply(pod_spec(volumes=[mounting(claim)]))
    system.measured(VOLUME_FREE, 0.018, persistentvolumeclaim=claim)
    return about(ref("v1", "PersistentVolumeClaim", system.namespace, claim))


@fault(111, "disk_failing", Policy.ESCALATE, alerts="NodeFilesystemDeviceError", written=True)
def disk_cannot_be_read(system: System) -> Aim:
    name = system.draw.choice(system.nodes)
    system.measured(DISK_ERRORS, 1.0, nodename=name, mountpoint="/var/lib/containers", device="/dev/nvme1n1")
    return about(ref("v1", "Node", "", name))


@fault(112, "certificates_expire", Policy.ESCALATE, alerts="KubeClientCertificateExpiration", written=True)
def certificates_run_out(system: System) -> Aim:
    system.measured(CERTIFICATES_LEFT, system.draw.choice((0.6, 2.0, 5.0)) * _DAY)
    return _platform(system)


@fault(113, "control_plane_degraded", Policy.ESCALATE, alerts="KubeAPIErrorBudgetBurn", written=True)
def answers_with_errors(system: System) -> Aim:
    system.measured(CALLS_FAILED, 0.09)
    system.measured(ETCD_SLOW, 2.4)
    return _platform(system)
