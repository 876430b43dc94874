"""What the name of an alert decides by itself, from the door to the guards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.ids import CountingIds
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.alerts import Stance, handling_of
from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Hypothesis, Verdict
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef
from kubernaut.domain.plans import Decision, Plan
from kubernaut.planning.guards import Autonomy, Scope, Situation, objection
from kubernaut.ports import Admission
from kubernaut.triage.admission import PLATFORM, SetAside, TriagePolicy, TriageStage
from tests.examples import NOON, a_signal

# Every alert of kubernetes-mixin with its default configuration.
MIXIN = [
    "KubePodCrashLooping",
    "KubePodNotReady",
    "KubeDeploymentGenerationMismatch",
    "KubeDeploymentReplicasMismatch",
    "KubeDeploymentRolloutStuck",
    "KubeStatefulSetReplicasMismatch",
    "KubeStatefulSetGenerationMismatch",
    "KubeStatefulSetUpdateNotRolledOut",
    "KubeDaemonSetRolloutStuck",
    "KubeContainerWaiting",
    "KubeDaemonSetNotScheduled",
    "KubeDaemonSetMisScheduled",
    "KubeJobNotCompleted",
    "KubeJobFailed",
    "KubeHpaReplicasMismatch",
    "KubeHpaMaxedOut",
    "KubePdbNotEnoughHealthyPods",
    "KubeCPUOvercommit",
    "KubeMemoryOvercommit",
    "KubeCPUQuotaOvercommit",
    "KubeMemoryQuotaOvercommit",
    "KubeQuotaAlmostFull",
    "KubeQuotaFullyUsed",
    "KubeQuotaExceeded",
    "CPUThrottlingHigh",
    "KubePersistentVolumeFillingUp",
    "KubePersistentVolumeInodesFillingUp",
    "KubePersistentVolumeErrors",
    "KubeVersionMismatch",
    "KubeClientErrors",
    "KubeAPIErrorBudgetBurn",
    "KubeClientCertificateExpiration",
    "KubeAggregatedAPIErrors",
    "KubeAggregatedAPIDown",
    "KubeAPIDown",
    "KubeAPIInstanceUnreachable",
    "KubeAPITerminatedRequests",
    "KubeNodeNotReady",
    "KubeNodePressure",
    "KubeNodeUnreachable",
    "KubeletTooManyPods",
    "KubeNodeReadinessFlapping",
    "KubeNodeEviction",
    "KubeletPlegDurationHigh",
    "KubeletPodStartUpLatencyHigh",
    "KubeletClientCertificateExpiration",
    "KubeletServerCertificateExpiration",
    "KubeletClientCertificateRenewalErrors",
    "KubeletServerCertificateRenewalErrors",
    "KubeletInstanceUnreachable",
    "KubeletDown",
    "KubeSchedulerDown",
    "KubeSchedulerInstanceUnreachable",
    "KubeControllerManagerDown",
    "KubeControllerManagerInstanceUnreachable",
    "KubeProxyDown",
    "KubeProxyInstanceUnreachable",
]
DECLINED = {"KubeQuotaAlmostFull", "KubeQuotaFullyUsed", "CPUThrottlingHigh", "KubeNodeEviction", "KubeletTooManyPods"}
NAMELESS = [
    *("KubeAPIDown", "KubeSchedulerDown", "KubeControllerManagerDown", "KubeProxyDown", "KubeAPIErrorBudgetBurn"),
    *("KubeClientCertificateExpiration", "KubeCPUOvercommit", "KubeVersionMismatch", "etcdNoLeader"),
]
CART = ObjectRef("apps/v1", "Deployment", "shop", "cart")
RESTART = ActionCall(ActionId("restart_workload"), CART, {})


class Door:
    """Triage before an empty cluster."""

    def __init__(self) -> None:
        self.inbox = MemorySignalStore()
        self.incidents = MemoryIncidentStore(self.inbox)
        policy = TriagePolicy("test", timedelta(minutes=5))
        self.triage = TriageStage(MemoryCluster(), self.inbox, self.incidents, ManualClock(NOON), CountingIds(), policy)

    async def admit(self, name: str, **labels: str) -> object:
        signal = replace(a_signal(alert=name, labels={"alertname": name, **labels}), name=name)
        return await self.triage.admit(signal)


def test_every_alert_of_the_mixin_is_known_and_has_a_reason() -> None:
    assert len(MIXIN) == 57
    for name in MIXIN:
        handling = handling_of(name)
        assert handling.is_known
        assert handling.reason
    assert {name for name in MIXIN if handling_of(name).stance is Stance.DECLINE} == DECLINED


def test_a_name_is_known_however_it_is_written() -> None:
    assert handling_of("kube_api_down") == handling_of("Kube API Down") == handling_of("KubeAPIDown")


def test_a_name_that_nobody_knows_is_investigated() -> None:
    handling = handling_of("CheckoutLatencyHigh")
    assert (handling.stance, handling.is_known) == (Stance.ACT, False)


@pytest.mark.parametrize("name", sorted(DECLINED))
async def test_what_is_no_fault_opens_nothing_and_says_why(name: str) -> None:
    door = Door()
    told = await door.admit(name, namespace="shop", pod="cart-0")
    assert isinstance(told, SetAside)
    assert handling_of(name).reason in told.reason


@pytest.mark.parametrize("name", NAMELESS)
async def test_what_names_no_object_and_is_for_people_opens_an_incident_on_the_platform(name: str) -> None:
    door = Door()
    admitted = await door.admit(name, job="apiserver")
    assert isinstance(admitted, Admission)
    assert admitted.incident.target == PLATFORM


async def test_two_matters_of_the_platform_are_two_incidents() -> None:
    door = Door()
    first, second = await door.admit("KubeAPIDown"), await door.admit("KubeSchedulerDown")
    assert isinstance(first, Admission)
    assert isinstance(second, Admission)
    assert first.incident.id != second.incident.id


async def test_an_unknown_name_without_an_object_is_set_aside() -> None:
    assert isinstance(await Door().admit("CheckoutLatencyHigh", job="shop"), SetAside)


def situation(alert: str, **changes: object) -> Situation:
    best = Hypothesis(CauseId("crash_after_change"), CART, 0.9, Verdict.ACT, "it fails", (), remedies=(RESTART,))
    plain = Situation(
        target=CART,
        best=best,
        firing=True,
        scope=Scope(managed=True, autonomy=Autonomy.AUTO),
        suspension=None,
        history=(),
        now=NOON,
        began=NOON - timedelta(minutes=20),
        patience=timedelta(minutes=7),
        alert=alert,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # field names are checked by replace


def ending(plan: Plan | None) -> Ending | None:
    return plan.ending if plan else None


@pytest.mark.parametrize("name", MIXIN)
def test_an_alert_for_people_never_leads_to_an_action(name: str) -> None:
    plan = objection(situation(name))
    if handling_of(name).stance is Stance.ESCALATE:
        assert ending(plan) is Ending.ESCALATED
        assert name in (plan.reason if plan else "")
    else:
        assert plan is None


@pytest.mark.parametrize("name", [name for name in MIXIN if handling_of(name).is_unseen])
def test_healthy_objects_do_not_quiet_an_alert_about_what_they_do_not_show(name: str) -> None:
    assert ending(objection(situation(name, best=None))) is Ending.ESCALATED


def test_a_resolved_alert_of_the_platform_needs_nobody() -> None:
    assert ending(objection(situation("KubeAPIDown", firing=False))) is Ending.SELF_RESOLVED


HEALTHY = Hypothesis(CauseId("healthy"), CART, 0.9, Verdict.DECLINE, "all pods are ready", ())


@pytest.mark.parametrize("best", [HEALTHY, None])
def test_an_unknown_alert_about_a_healthy_object_is_watched_and_then_for_people(best: Hypothesis | None) -> None:
    plan = objection(situation("CheckoutLatencyHigh", best=best))
    assert ending(plan) is Ending.ESCALATED
    young = objection(situation("CheckoutLatencyHigh", best=best, began=NOON - timedelta(minutes=1)))
    assert young is not None
    assert young.decision is Decision.WAIT
    known = objection(situation("KubePodNotReady", best=best))
    assert ending(known) is Ending.NO_ACTION_NEEDED
