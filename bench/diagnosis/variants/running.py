"""Rows 54 to 74: limits, probes and scale, of companions and first steps, of other kinds, and under other alerts."""

from __future__ import annotations

from bench.diagnosis.cases import SCALED, Aim, Policy, about
from bench.diagnosis.system import TEAM, System, container, first, probe, ref
from bench.diagnosis.variants.outfits import (
    CRASH,
    SERVICE,
    beside,
    companion,
    of_companion,
    once,
    spec_of,
    symptom,
    task,
    template,
    variant,
    with_companion,
)
from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.applications import MEBIBYTE
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import AUTOSCALER, BY_NAME, REPLICA_SET
from kubernaut.sandbox.recorder import warning
from kubernaut.sandbox.shapes import entries, section, stamp

_OOM = "KubernetesContainerOomKiller KubePodCrashLooping KubePodNotReady"
_UNREADY = "KubePodNotReady KubeDeploymentReplicasMismatch KubeDeploymentRolloutStuck"
# The number is proved by an event or by the autoscaler, and may be put back at once.
_PUT_BACK = (Verdict.ACT, Verdict.APPROVE, Verdict.ESCALATE)


@variant(54, "memory_limit_too_low", Policy.ACT, alerts=_OOM, prepare=with_companion)
def companions_limit_lowered(system: System) -> None:
    few: JsonObject = {"requests": {"cpu": "20m", "memory": "16Mi"}, "limits": {"cpu": "200m", "memory": "16Mi"}}
    system.apply(of_companion(resources=few))


@variant(54, "memory_limit_too_low", Policy.ACT, alerts=_OOM, prepare=with_companion)
def companion_outgrew_its_limit(system: System) -> None:
    """Nobody changed anything; the program beside it is well."""
    image = beside(dict(system.workload.raw))["image"]
    system.universe.world.outgrow(str(image), 96 * MEBIBYTE)


@variant(54, "memory_limit_too_low", Policy.ACT, alerts="BlackboxProbeFailed", kinds=("Deployment", "StatefulSet"))
def outgrown_under_a_service_alert(system: System) -> Aim:
    system.universe.world.outgrow(system.target.image, 400 * MEBIBYTE)
    return symptom(system, "Service")


@variant(
    54,
    "memory_limit_too_low",
    Policy.ACT,
    alerts="KubeJobFailed",
    kinds=("Job",),
    verdicts=(Verdict.ESCALATE, Verdict.APPROVE),
)
def work_out_of_memory(system: System) -> Aim:
    """A Job's template cannot be changed: what is to be run again is for people."""
    own: JsonObject = {**task(system), "resources": {"limits": {"memory": "32Mi"}, "requests": {"memory": "32Mi"}}}
    return about(once(system, template(own)))


@variant(58, "liveness_probe_wrong", Policy.ACT, alerts=CRASH, prepare=with_companion)
def companion_alive_asked_elsewhere(system: System) -> None:
    wanted: JsonObject = {"path": "/livez", "port": "metrics"}
    system.apply(lambda item: section(beside(item), "livenessProbe").update(httpGet=wanted))


@variant(58, "liveness_probe_wrong", Policy.ACT, alerts=CRASH)
def started_asked_elsewhere(system: System) -> None:
    """A startup probe comes with the release, and asks for a path that nobody serves."""
    asked: JsonObject = {"httpGet": {"path": "/started", "port": system.target.port}, "periodSeconds": 5}
    system.apply(container(startupProbe=asked))


@variant(60, "liveness_probe_too_strict", Policy.ACT, alerts=CRASH, prepare=with_companion)
def companion_asked_too_soon(system: System) -> None:
    strict: JsonObject = {"initialDelaySeconds": 0, "periodSeconds": 1, "failureThreshold": 1}
    system.apply(lambda item: section(beside(item), "livenessProbe").update(strict))


@variant(61, "readiness_probe_wrong", Policy.ACT, alerts=_UNREADY)
def ready_asked_at_a_name_that_is_gone(system: System) -> None:
    """The container's port gets another name; the probe asks by the former one, and the kubelet cannot ask at all."""

    def edit(manifest: JsonObject) -> None:
        section(first(manifest), "readinessProbe", "httpGet")["port"] = "http"
        first(manifest)["ports"] = [{"name": "web", "containerPort": system.target.port}]

    system.apply(edit, live=True)


@variant(
    61,
    "readiness_probe_wrong",
    Policy.ACT,
    alerts="BlackboxProbeFailed KubeServiceWithoutEndpoints",
    prepare=with_companion,
)
def companion_ready_asked_elsewhere(system: System) -> Aim:
    """The program is ready, its companion never is, and the alert is about the Service."""
    system.apply(lambda item: section(beside(item), "readinessProbe", "httpGet").update(port=system.target.port + 40))
    return symptom(system, "Service")


@variant(61, "readiness_probe_wrong", Policy.ACT, alerts="KubeDeploymentRolloutStuck", kinds=("Deployment",))
def held_after_one_pod_of_five(system: System) -> None:
    """Surge one, none unavailable: five former pods serve on, one new pod is not ready."""

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec")["replicas"] = 5
        section(manifest, "spec")["strategy"] = {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        }

    system.dress(edit)
    system.wait(3)
    wanted: JsonObject = {"path": "/status/ready", "port": system.target.port}
    system.apply(probe("readinessProbe", httpGet=wanted))


@variant(
    66,
    "scaled_to_zero",
    Policy.APPROVE,
    alerts="KubeReplicaSetReplicasMismatch",
    kinds=("ReplicaSet",),
    verdicts=_PUT_BACK,
)
def single_set_scaled_to_nothing(system: System) -> Aim:
    """A ReplicaSet that no Deployment owns."""
    name = system.names.workload()
    labels: JsonObject = {"app": name}
    pod: JsonObject = {"metadata": {"labels": labels}, "spec": {"containers": [companion(system)]}}
    body: JsonObject = {
        "metadata": {"name": name},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod},
    }
    system.cluster.create(REPLICA_SET, system.namespace, body, TEAM)
    system.wait(5)
    by = By("kubectl", "scale")
    system.change(REPLICA_SET, system.namespace, name, lambda item: section(item, "spec").update(replicas=0), by)
    return about(ref("apps/v1", "ReplicaSet", system.namespace, name))


def _far_store(system: System) -> None:
    """What the target calls is in the namespace of another team."""
    far = system.neighbours[1]
    address = f"http://{far.name}.{far.namespace}.svc.cluster.local:80"

    def edit(manifest: JsonObject) -> None:
        kept = [item for item in entries(first(manifest), "env") if item.get("name") != "UPSTREAM_ADDR"]
        first(manifest)["env"] = [*kept, {"name": "UPSTREAM_ADDR", "value": address}]

    system.dress(edit)


@variant(66, "scaled_to_zero", Policy.APPROVE, alerts=CRASH, prepare=_far_store, verdicts=_PUT_BACK)
def far_store_scaled_to_nothing(system: System) -> Aim:
    """The alert is about the caller; what it calls is gone, in another namespace."""
    far = system.neighbours[1]
    system.scale(0, far)
    system.wait(1)
    system.recreate_pods()
    return Aim(about(system.target.ref).labels, (far.ref,))


@variant(63, "crash_after_change", Policy.ACT, alerts=CRASH, prepare=_far_store)
def far_store_rolled_to_one_that_ends(system: System) -> Aim:
    """The store of the other namespace crashes since its rollout; the caller, restarted, does not reach it."""
    far = system.neighbours[1]

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec")["strategy"] = {"type": "Recreate"}
        first(manifest)["args"] = [f"--listen=:{far.port}", "--journal"]

    system.apply(edit, far, live=True)
    system.wait(1)
    system.recreate_pods()
    return Aim(about(system.target.ref).labels, (far.ref,))


def _autoscaled(system: System) -> None:
    target = system.target
    scaled: JsonObject = {"apiVersion": "apps/v1", "kind": target.kind, "name": target.name}
    use: JsonObject = {"type": "Utilization", "averageUtilization": 70}
    metric: JsonObject = {"type": "Resource", "resource": {"name": "cpu", "target": use}}
    spec: JsonObject = {"scaleTargetRef": scaled, "minReplicas": 2, "maxReplicas": 6, "metrics": [metric]}
    system.cluster.create(AUTOSCALER, system.namespace, {"metadata": {"name": target.name}, "spec": spec}, TEAM)
    _scaler_says(system, "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count")


def _scaler_says(system: System, status: str, reason: str, message: str) -> None:
    """The sandbox has no autoscaler: its condition is written as it writes it."""
    active: JsonObject = {
        "type": "ScalingActive", "status": status, "reason": reason, "message": message,
        "lastTransitionTime": stamp(system.clock.now()),
    }  # fmt: skip
    able: JsonObject = {**active, "type": "AbleToScale", "status": "True", "reason": "SucceededGetScale"}
    able["message"] = "the HPA controller was able to get the target's current scale"
    item = system.find("autoscaling/v2", "HorizontalPodAutoscaler", system.target.name)
    count = len(system.pods())
    told: JsonObject = {"conditions": [able, active], "currentReplicas": count, "desiredReplicas": count}
    system.rewrite(AUTOSCALER, item, lambda draft: draft.update(status=told))


@variant(
    66,
    "scaled_to_zero",
    Policy.APPROVE,
    alerts=SERVICE,
    prepare=_autoscaled,
    kinds=SCALED,
    written=True,
    verdicts=_PUT_BACK,
)
def autoscaled_to_nothing_by_hand(system: System) -> Aim:
    """Zero switches the autoscaler off, so it does not bring the pods back."""
    system.scale(0)
    system.wait(1)
    message = "scaling is disabled since the replica count of the target is zero"
    _scaler_says(system, "False", "ScalingDisabled", message)
    return symptom(system, "Service")


@variant(
    68,
    "rollout_paused",
    Policy.APPROVE,
    alerts="KubeDeploymentGenerationMismatch KubeDeploymentRolloutStuck",
    kinds=("Deployment",),
)
def paused_half_way(system: System) -> None:
    """Somebody pauses a rollout in its middle, and goes home."""
    system.dress(lambda item: section(item, "spec").update(replicas=6))
    system.wait(3)
    system.apply(container(image=system.publish(system.image(), system.target.application())))
    system.wait(0.15)
    kind = BY_NAME["apps/v1", "Deployment"]
    system.change(
        kind,
        system.namespace,
        system.target.name,
        lambda item: section(item, "spec").update(paused=True),
        By("kubectl-rollout"),
    )


@variant(
    70,
    "autoscaler_blind",
    Policy.ACT,
    alerts="KubeHpaReplicasMismatch",
    prepare=_autoscaled,
    kinds=SCALED,
    written=True,
)
def companion_without_a_request(system: System) -> Aim:
    """A companion comes without a request: the use of the whole pod cannot be told any more."""
    other = {key: value for key, value in companion(system).items() if key != "resources"}

    def edit(manifest: JsonObject) -> None:
        spec_of(manifest)["containers"] = [*entries(spec_of(manifest), "containers"), other]

    system.apply(edit)
    system.wait(4)
    message = (
        "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in "
        f"container {other['name']} of Pod {system.pods()[0].name}"
    )
    _scaler_says(system, "False", "FailedGetResourceMetric", message)
    item = system.find("autoscaling/v2", "HorizontalPodAutoscaler", system.target.name)
    system.say("horizontal-pod-autoscaler", item, warning("FailedGetResourceMetric", message))
    return about(item.ref, system.target.ref)
