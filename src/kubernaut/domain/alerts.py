"""What an alert's name alone decides: whether a fault is looked for, people are told in any case, or nothing is done.

The names are those of kubernetes-mixin, and of collections that many clusters add. A name decides nothing about the
cause; one that is not known here is investigated by its target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Stance(StrEnum):
    """How far an alert of that name may lead."""

    ACT = "act"
    ESCALATE = "escalate"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Handling:
    """The stance with its reason.

    `is_known`: the name is in the table. `is_unseen`: objects, events and logs do not show what it measures, so that
    healthy objects prove nothing.
    """

    stance: Stance
    reason: str
    is_known: bool = True
    is_unseen: bool = False


def handling_of(alert: str) -> Handling:
    """How an alert of that name is handled; investigated by its target where the name is not known."""
    name = _plain(alert)
    found = _TABLE.get(name)
    if found is not None:
        return found
    if name.startswith(_INFRASTRUCTURE):
        return _unseen("it is about the platform itself, which is mended by its runbook")
    return Handling(Stance.ACT, "its target is investigated", is_known=False)


def _plain(alert: str) -> str:
    return "".join(char for char in alert[:200].lower() if char.isalnum())


def _unseen(reason: str) -> Handling:
    return Handling(Stance.ESCALATE, reason, is_unseen=True)


# Families of names that are never acted on: etcd, monitoring, and the machines below the nodes.
_INFRASTRUCTURE = (
    *("etcd", "prometheus", "alertmanager", "kubestatemetrics"),
    *("nodefilesystem", "nodenetwork", "nodeclock", "noderaid", "nodefiledescriptor"),
)

_BY_CAUSE = Handling(Stance.ACT, "what is done depends on the cause")
_ACTED_ON = """
    KubePodCrashLooping KubePodNotReady KubeContainerWaiting
    KubeDeploymentGenerationMismatch KubeDeploymentReplicasMismatch KubeDeploymentRolloutStuck
    KubeStatefulSetReplicasMismatch KubeStatefulSetGenerationMismatch KubeStatefulSetUpdateNotRolledOut
    KubeDaemonSetRolloutStuck KubeDaemonSetNotScheduled KubeDaemonSetMisScheduled
    KubeHpaReplicasMismatch KubeHpaMaxedOut KubePdbNotEnoughHealthyPods KubeQuotaExceeded
    KubeNodeNotReady KubeNodeUnreachable KubeNodePressure
    KubernetesContainerOomKiller KubernetesPodCrashLooping KubernetesPodNotHealthy
    KubernetesDeploymentReplicasMismatch KubernetesDeploymentGenerationMismatch KubernetesReplicasetMismatch
    KubernetesStatefulsetDown KubernetesStatefulsetReplicasMismatch KubernetesStatefulsetGenerationMismatch
    KubernetesStatefulsetUpdateNotRolledOut KubernetesDaemonsetRolloutStuck KubernetesDaemonsetMisscheduled
    KubernetesPersistentvolumeclaimPending KubernetesHpaMetricsUnavailability KubernetesHpaScaleMaximum
    KubernetesNodeNotReady KubernetesNodeMemoryPressure KubernetesNodeDiskPressure KubernetesNodeSchedulingDisabled
    KubeDeploymentReplicasZero KubeServiceWithoutEndpoints BlackboxProbeFailed
"""
_FOR_PEOPLE: dict[str, str] = {
    "KubeJobFailed KubernetesJobFailed": "a failed Job may have done half of its work: its owner runs it again",
    "KubeJobNotCompleted KubernetesJobNotStarting KubernetesCronjobTooLong": "a Job that takes long may be right to",
    "KubernetesCronjobSuspended KubernetesCronjobFailing": "whether it should run is its owner's word",
}
_FOR_PEOPLE_UNSEEN: dict[str, str] = {
    "KubeCPUOvercommit KubeMemoryOvercommit KubernetesNodeOutOfPodCapacity": "capacity is bought or freed by people",
    "KubeCPUQuotaOvercommit KubeMemoryQuotaOvercommit": "quotas are decided with those who use them",
    "KubePersistentVolumeFillingUp KubePersistentVolumeInodesFillingUp KubernetesVolumeFullInFourDays "
    "KubernetesVolumeOutOfDiskSpace": "data is deleted or moved by its owner only",
    "KubePersistentVolumeErrors KubernetesPersistentvolumeError": "data may be at risk",
    "KubeVersionMismatch": "an upgrade is under way, or was left half done",
    "KubeClientErrors KubeAPIErrorBudgetBurn KubeAPITerminatedRequests KubernetesApiServerErrors "
    "KubernetesApiClientErrors KubernetesApiServerLatency": "the API server or a client of it is in trouble",
    "KubeAPIDown KubeAPIInstanceUnreachable": "without the API server nothing can be seen or done",
    "KubeAggregatedAPIDown KubeAggregatedAPIErrors": "an aggregated API does not answer: its backend has to be mended",
    "KubeClientCertificateExpiration KubernetesClientCertificateExpiresNextWeek "
    "KubernetesClientCertificateExpiresSoon KubeletClientCertificateExpiration KubeletServerCertificateExpiration "
    "KubeletClientCertificateRenewalErrors KubeletServerCertificateRenewalErrors": "their tool renews certificates",
    "KubeNodeReadinessFlapping KubernetesNodeNetworkUnavailable": "a node that comes and goes looks healthy in between",
    "KubeletPlegDurationHigh KubeletPodStartUpLatencyHigh": "a node is slow, for a reason that only shows on it",
    "KubeletDown KubeletInstanceUnreachable": "kubelets do not answer, or are not found by monitoring",
    "KubeSchedulerDown KubeSchedulerInstanceUnreachable": "without the scheduler no pod gets a node",
    "KubeControllerManagerDown KubeControllerManagerInstanceUnreachable": "without it, changes have no effect",
    "KubeProxyDown KubeProxyInstanceUnreachable": "Services may not be reachable from some nodes",
}
_LEFT_ALONE: dict[str, str] = {
    "KubeQuotaAlmostFull KubeQuotaFullyUsed": "a full quota is no fault as long as nothing is refused",
    "CPUThrottlingHigh KubernetesContainerCpuThrottling": "throttling alone is no fault: another alert tells of harm",
    "KubeNodeEviction": "evictions are how a node helps itself: the pressure behind them has its own alert",
    "KubeletTooManyPods": "a full node takes no more pods, and those on it run",
    "KubernetesHpaUnderutilized": "an autoscaler at its minimum is how it should be",
}


def _entries() -> Iterator[tuple[str, Handling]]:
    for name in _ACTED_ON.split():
        yield name, _BY_CAUSE
    for names, reason in _FOR_PEOPLE.items():
        yield from ((name, Handling(Stance.ESCALATE, reason)) for name in names.split())
    for names, reason in _FOR_PEOPLE_UNSEEN.items():
        yield from ((name, _unseen(reason)) for name in names.split())
    for names, reason in _LEFT_ALONE.items():
        yield from ((name, Handling(Stance.DECLINE, reason)) for name in names.split())


_TABLE = {_plain(name): handling for name, handling in _entries()}
