"""Rows 54 to 77: what goes wrong while containers run, probes, scaling, Jobs and operators."""

from __future__ import annotations

from dataclasses import replace

from bench.diagnosis.cases import SCALED, Aim, Policy, about, fault
from bench.diagnosis.system import TEAM, System, container, first, pod_spec, probe, ref
from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.applications import MEBIBYTE, Listener, Misfortune
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import AUTOSCALER, BUDGET, BY_NAME, CRON_JOB, JOB, STATEFUL_SET
from kubernaut.sandbox.recorder import warning
from kubernaut.sandbox.shapes import section, stamp

_OOM = "KubernetesContainerOomKiller KubePodCrashLooping KubePodNotReady"
_CRASH = "KubePodCrashLooping KubePodNotReady KubeDeploymentReplicasMismatch"
_UNREADY = "KubePodNotReady KubeDeploymentReplicasMismatch KubeDeploymentRolloutStuck"


@fault(54, "memory_limit_too_low", Policy.ACT, alerts=_OOM)
def limit_lowered(system: System) -> None:
    memory = system.names.one("16Mi", "32Mi", "48Mi", "64Mi")

    def edit(manifest: JsonObject) -> None:
        resources = section(first(manifest), "resources")
        section(resources, "limits")["memory"] = memory
        section(resources, "requests")["memory"] = memory

    system.apply(edit)


@fault(54, "memory_limit_too_low", Policy.ACT, alerts=_OOM)
def program_outgrew_its_limit(system: System) -> None:
    system.universe.world.outgrow(system.target.image, 400 * MEBIBYTE)


@fault(55, "changed_by_schedule", Policy.APPROVE, alerts=_OOM, kinds=("Deployment",), written=True)
def limits_lowered_by_the_clock(system: System) -> None:
    """The sandbox has no CronJob controller: the Job of a run, with its times, is written as it makes it."""
    name, account = system.names.word(), system.names.word()
    system.create("v1", "ServiceAccount", system.namespace, {"metadata": {"name": account}})
    worker: JsonObject = {"name": "run", "image": system.store.image, "args": ["patch"]}
    pod: JsonObject = {"spec": {"containers": [worker], "restartPolicy": "Never", "serviceAccountName": account}}
    job: JsonObject = {"spec": {"template": pod}}
    body: JsonObject = {"metadata": {"name": name}, "spec": {"schedule": "*/30 * * * *", "jobTemplate": job}}
    made = system.cluster.create(CRON_JOB, system.namespace, body, TEAM)
    owner: JsonObject = {
        "apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": section(made, "metadata")["uid"],
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip
    done = replace(system.store.application(), listeners=(), runs_for_s=8.0, required_env=(), flags=None)
    image = system.publish(system.image(name="kubectl"), done)
    worker["image"] = image
    spec: JsonObject = {"template": pod, "backoffLimit": 1}
    system.cluster.create(
        JOB, system.namespace, {"metadata": {"name": f"{name}-29541840", "ownerReferences": [owner]}, "spec": spec},
        By("kube-controller-manager"),
    )  # fmt: skip
    system.wait(0.1)
    kind = BY_NAME["apps/v1", "Deployment"]

    def edit(manifest: JsonObject) -> None:
        resources = section(first(manifest), "resources")
        section(resources, "limits")["memory"] = "24Mi"
        section(resources, "requests")["memory"] = "24Mi"

    system.change(kind, system.namespace, system.target.name, edit, By("kubectl-patch"))


@fault(58, "liveness_probe_wrong", Policy.ACT, alerts=_CRASH)
def alive_asked_elsewhere(system: System) -> None:
    wanted: JsonObject = {"path": "/healthz", "port": system.target.port + 1}
    if system.draw.random() < 0.5:
        wanted = {"path": "/alive", "port": system.target.port}
    system.apply(probe("livenessProbe", httpGet=wanted))


def _binary(system: System) -> None:
    known = system.target.application()
    system.publish(system.target.image, replace(known, listeners=(Listener(system.target.port, protocol="grpc"),)))
    asked: JsonObject = {"tcpSocket": {"port": system.target.port}, "periodSeconds": 5}
    system.apply(container(livenessProbe={**asked}, readinessProbe={**asked}))


@fault(59, "liveness_probe_wrong", Policy.ACT, alerts=_CRASH, prepare=_binary)
def alive_asked_in_http(system: System) -> None:
    asked: JsonObject = {"httpGet": {"path": "/healthz", "port": system.target.port}, "periodSeconds": 10}
    ready: JsonObject = {"tcpSocket": {"port": system.target.port}, "periodSeconds": 5}
    system.apply(container(livenessProbe=asked, readinessProbe=ready))


def _slow(system: System) -> None:
    known = system.target.application()
    system.publish(system.target.image, replace(known, startup_s=system.draw.choice((12.0, 18.0, 25.0))))
    system.apply(probe("livenessProbe", initialDelaySeconds=45))


@fault(60, "liveness_probe_too_strict", Policy.ACT, alerts=_CRASH, prepare=_slow)
def alive_asked_too_soon(system: System) -> None:
    system.apply(probe("livenessProbe", initialDelaySeconds=0, periodSeconds=2, failureThreshold=1))


@fault(61, "readiness_probe_wrong", Policy.ACT, alerts=_UNREADY)
def ready_asked_elsewhere(system: System) -> None:
    wanted: JsonObject = {"path": system.target.ready_path, "port": system.target.port + 9}
    if system.draw.random() < 0.5:
        wanted = {"path": "/api/ready", "port": system.target.port}
    system.apply(probe("readinessProbe", httpGet=wanted))


@fault(62, "readiness_probe_wrong", Policy.ACT, alerts=_UNREADY, prepare=_binary)
def ready_asked_in_http(system: System) -> None:
    asked: JsonObject = {"httpGet": {"path": "/readyz", "port": system.target.port}, "periodSeconds": 5}
    alive: JsonObject = {"tcpSocket": {"port": system.target.port}}
    system.apply(container(readinessProbe=asked, livenessProbe=alive))


@fault(63, "crash_without_change", Policy.ESCALATE, alerts=_CRASH)
def program_ends_itself(system: System) -> None:
    """A defect that shows without a change: no revision to go back to, so it is for people."""
    lines = ("panic: runtime error: index out of range [3] with length 3", "goroutine 41 [running]:")
    system.strike(2, *lines, after_s=20)


# To go back to the known number is reversible at once, so `act` is right as well: the namespace's autonomy decides.
@fault(
    66,
    "scaled_to_zero",
    Policy.APPROVE,
    alerts="KubeDeploymentReplicasZero KubeServiceWithoutEndpoints",
    kinds=SCALED,
    verdicts=(Verdict.ACT, Verdict.APPROVE, Verdict.ESCALATE),
)
def scaled_to_nothing(system: System) -> None:
    system.scale(0)


@fault(
    67,
    "rollout_stuck readiness_probe_wrong crash_after_change",
    Policy.ACT,
    alerts="KubeDeploymentRolloutStuck",
    kinds=("Deployment",),
)
def rolled_out_at_once(system: System) -> None:
    """Every pod is replaced at once by a version that answers 503 for ever.

    Where its liveness probe asks the same path, the kubelet restarts it: then it fails since the change.
    """
    image = system.image()
    system.publish(image, system.target.application())
    paths = frozenset({system.target.ready_path})
    system.universe.strike(image, Misfortune(system.clock.now(), paths=paths))

    def edit(manifest: JsonObject) -> None:
        rolling: JsonObject = {"maxUnavailable": "100%", "maxSurge": 0}
        section(manifest, "spec")["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        first(manifest)["image"] = image

    system.apply(edit)


@fault(68, "rollout_paused", Policy.APPROVE, alerts="KubeDeploymentGenerationMismatch", kinds=("Deployment",))
def rollout_paused(system: System) -> None:
    image = system.publish(system.image(), system.target.application())
    kind = BY_NAME["apps/v1", "Deployment"]
    system.change(kind, system.namespace, system.target.name, lambda item: section(item, "spec").update(paused=True))
    system.change(kind, system.namespace, system.target.name, container(image=image))


def _autoscaler(system: System, status: JsonObject, **spec: Json) -> Aim:
    target = system.target
    scaled: JsonObject = {"apiVersion": "apps/v1", "kind": target.kind, "name": target.name}
    metric: JsonObject = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
    }
    body: JsonObject = {
        "metadata": {"name": target.name},
        "spec": {"scaleTargetRef": scaled, "minReplicas": 2, "maxReplicas": 6, "metrics": [metric], **spec},
    }
    system.cluster.create(AUTOSCALER, system.namespace, body, TEAM)
    item = system.find("autoscaling/v2", "HorizontalPodAutoscaler", target.name)
    system.rewrite(AUTOSCALER, item, lambda draft: draft.update(status=status))
    scaler = item.ref
    return about(scaler, target.ref)


def _condition(system: System, kind: str, status: str, reason: str, message: str) -> JsonObject:
    return {
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": stamp(system.clock.now()),
    }  # fmt: skip


@fault(70, "autoscaler_blind", Policy.ACT, alerts="KubeHpaReplicasMismatch", kinds=SCALED, written=True)
def request_not_declared(system: System) -> Aim:
    """The sandbox has no autoscaler: its conditions and events are written as the controller writes them."""

    def edit(manifest: JsonObject) -> None:
        first(manifest)["resources"] = {"limits": {"memory": system.target.memory}}

    system.apply(edit)
    system.wait(3)
    pod = system.pods()[0].name
    name = system.target.name.rpartition("-")[2]
    message = (
        "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in "
        f"container {name} of Pod {pod}"
    )
    condition = _condition(system, "ScalingActive", "False", "FailedGetResourceMetric", message)
    aim = _autoscaler(system, {"conditions": [condition], "currentReplicas": system.target.replicas})
    item = system.find("autoscaling/v2", "HorizontalPodAutoscaler", system.target.name)
    system.say("horizontal-pod-autoscaler", item, warning("FailedGetResourceMetric", message))
    return aim


@fault(71, "autoscaler_at_limit", Policy.APPROVE, alerts="KubeHpaMaxedOut", kinds=SCALED, written=True)
def held_at_its_maximum(system: System) -> Aim:
    """As above."""
    system.scale(6)
    system.wait(2)
    limited = _condition(
        system,
        "ScalingLimited",
        "True",
        "TooManyReplicas",
        "the desired replica count is more than the maximum replica count",
    )
    current: JsonObject = {
        "type": "Resource",
        "resource": {"name": "cpu", "current": {"averageUtilization": 96, "averageValue": "480m"}},
    }
    status: JsonObject = {
        "conditions": [limited], "currentReplicas": 6, "desiredReplicas": 6, "currentMetrics": [current],
    }  # fmt: skip
    return _autoscaler(system, status)


@fault(72, "disruption_budget_blocks", Policy.ESCALATE, alerts="KubePdbNotEnoughHealthyPods", kinds=SCALED)
def budget_for_every_pod(system: System) -> Aim:
    selector: JsonObject = {"matchLabels": system.target.labels()}
    spec: JsonObject = {"minAvailable": system.target.replicas, "selector": selector}
    name = system.names.word()
    system.cluster.create(BUDGET, system.namespace, {"metadata": {"name": name}, "spec": spec}, TEAM)
    return about(ref("policy/v1", "PodDisruptionBudget", system.namespace, name), system.target.ref)


@fault(73, "job_failed", Policy.ESCALATE, alerts="KubeJobFailed", kinds=("Job",))
def task_ends_badly(system: System) -> Aim:
    name = system.names.workload()
    own: JsonObject = {"name": "task", "image": system.store.image, "args": ["--since=2026"]}
    spec: JsonObject = {"containers": [own], "restartPolicy": "Never"}
    body: JsonObject = {"metadata": {"name": name}, "spec": {"backoffLimit": 1, "template": {"spec": spec}}}
    system.cluster.create(JOB, system.namespace, body, TEAM)
    return about(ref("batch/v1", "Job", system.namespace, name))


@fault(74, "cronjob_suspended", Policy.ESCALATE, alerts="KubeCronJobSuspended KubeJobNotScheduled", kinds=("CronJob",))
def schedule_suspended(system: System) -> Aim:
    name = system.names.workload()
    own: JsonObject = {"name": "task", "image": system.store.image}
    pod: JsonObject = {"spec": {"containers": [own], "restartPolicy": "Never"}}
    body: JsonObject = {
        "metadata": {"name": name}, "spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": pod}}},
    }  # fmt: skip
    system.cluster.create(CRON_JOB, system.namespace, body, TEAM)
    system.wait(3)
    system.change(CRON_JOB, system.namespace, name, lambda item: section(item, "spec").update(suspend=True))
    return about(ref("batch/v1", "CronJob", system.namespace, name))


@fault(
    75,
    "operator_asks_too_much",
    Policy.APPROVE,
    alerts="KubeStatefulSetReplicasMismatch KubePodNotReady",
    kinds=("StatefulSet",),
    written=True,
)
def absurd_number_of_replicas(system: System) -> None:
    """The sandbox serves no custom resources: what the operator writes into its StatefulSet is written for it."""
    operator = By(f"{system.names.word()}-operator")
    owner: JsonObject = {
        "apiVersion": "databases.example.com/v1", "kind": "ShardedStore", "name": system.target.name,
        "uid": "5b1f6d0e-7a55-4a8f-9d35-6f0f6b1b2c11", "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip

    def edit(item: JsonObject) -> None:
        section(item, "metadata")["ownerReferences"] = [owner]
        spec = section(item, "spec")
        spec.update({"replicas": 100000, "podManagementPolicy": "OrderedReady"})
        section(first(item), "resources")["requests"] = {"cpu": "3", "memory": "64Mi"}
        section(first(item), "resources")["limits"] = {"cpu": "3", "memory": "256Mi"}

    system.change(STATEFUL_SET, system.namespace, system.target.name, edit, operator)


@fault(77, "image_not_found", Policy.ACT, kinds=("Deployment",))
def operator_rolled_to_no_image(system: System) -> None:
    target = system.target
    system.apply(pod_spec(serviceAccountName="default"))
    system.wait(2)
    image = target.image.replace(f"/{target.name}:", f"/{target.name}-operatorr:")
    system.apply(container(image=image))
