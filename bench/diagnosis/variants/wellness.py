"""Controls: what looks ill and is well, under an alert that sounds like trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bench.diagnosis.cases import SCALED, Aim, about
from bench.diagnosis.system import EDITOR, TEAM, System, container, first, ref
from bench.diagnosis.variants.outfits import (
    once,
    scheduled,
    task,
    template,
    well,
    with_companion,
    with_files,
    with_first_step,
    with_native_companion,
    with_variables,
)
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.applications import Listener, Misfortune
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import (
    AUTOSCALER,
    BUDGET,
    BY_NAME,
    CONFIG_MAP,
    CRON_JOB,
    ENDPOINT_SLICE,
    NODE,
    POD,
    SERVICE,
)
from kubernaut.sandbox.recorder import warning
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import entries, section, stamp

_LATER = (6, 20)


@well(114, kinds=("Job",), minutes=_LATER, alerts="KubeJobFailed KubeJobNotCompleted")
def work_done_at_the_second_try(system: System) -> Aim:
    """The first pod failed, the second one did the work."""
    own = task(system)
    image, now = str(own["image"]), system.clock.now()
    system.universe.strike(image, Misfortune(now, until=now + timedelta(seconds=15), exit_code=1, lines=("EOF",)))
    return about(once(system, template(own)))


@well(114, kinds=("CronJob",), minutes=_LATER, alerts="KubeJobFailed KubeCronJobRunning")
def run_done(system: System) -> Aim:
    """The run is complete; its pod is not ready, as a pod that is done is not."""
    job, schedule = scheduled(system, template(task(system)))
    return about(job, schedule)


@well(116, kinds=("CronJob",), alerts="KubeCronJobSuspended")
def suspended_with_a_word(system: System) -> Aim:
    job, schedule = scheduled(system, template(task(system)))

    def edit(item: JsonObject) -> None:
        section(item, "metadata", "annotations")["kubernaut.ai/intended"] = "until the new warehouse is there"
        section(item, "spec")["suspend"] = True

    system.change(CRON_JOB, system.namespace, schedule.name, edit)
    return about(schedule, job)


@well(116, kinds=SCALED, minutes=_LATER)
def asleep_by_its_scaler(system: System) -> None:
    """KEDA scaled it to nothing, and its autoscaler says by its owner and by its metric that it will be back."""
    target = system.target
    owner: JsonObject = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "name": target.name,
        "uid": "0f8ce7a1-19f4-4f57-a3a6-50d3b7b0a1aa",
    }
    scaled: JsonObject = {"apiVersion": "apps/v1", "kind": target.kind, "name": target.name}
    metric: JsonObject = {
        "type": "External",
        "external": {"metric": {"name": "s0-rabbitmq"}, "target": {"type": "AverageValue", "averageValue": "20"}},
    }
    metadata: JsonObject = {
        "name": f"keda-hpa-{target.name}", "ownerReferences": [{**owner, "controller": True}],
        "labels": {"app.kubernetes.io/managed-by": "keda-operator", "scaledobject.keda.sh/name": target.name},
    }  # fmt: skip
    spec: JsonObject = {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 8, "metrics": [metric]}
    system.cluster.create(AUTOSCALER, system.namespace, {"metadata": metadata, "spec": spec}, By("keda"))
    system.wait(4)
    kind = BY_NAME["apps/v1", target.kind]
    system.change(
        kind, system.namespace, target.name, lambda item: section(item, "spec").update(replicas=0), By("keda")
    )
    asleep: JsonObject = {
        "type": "ScalingActive", "status": "False", "reason": "ScalingDisabled",
        "message": "scaling is disabled since the replica count of the target is zero",
        "lastTransitionTime": stamp(system.clock.now()),
    }  # fmt: skip
    item = system.find("autoscaling/v2", "HorizontalPodAutoscaler", f"keda-hpa-{target.name}")
    system.rewrite(
        AUTOSCALER,
        item,
        lambda draft: draft.update(status={"conditions": [asleep], "currentReplicas": 0, "desiredReplicas": 0}),
    )


@well(114, minutes=_LATER)
def optional_sources_not_there(system: System) -> None:
    """Optional maps and Secrets are missing; every pod runs."""
    system.draw.choice((with_variables, with_files))(system)


@well(114, minutes=_LATER)
def first_step_tried_twice(system: System) -> None:
    """The init container failed once, then did its work."""
    with_first_step(system)
    item = system.workload
    image = item.trees("spec", "template", "spec", "initContainers")[0].text("image")
    now = system.clock.now()
    system.universe.strike(
        image, Misfortune(now, until=now + timedelta(seconds=8), exit_code=1, after_s=1, lines=("connection refused",))
    )


@well(114, minutes=_LATER)
def native_companion_beside(system: System) -> None:
    """An init container that runs for ever, because it is a companion."""
    with_native_companion(system)


@well(114, minutes=_LATER)
def companion_restarted_once(system: System) -> None:
    with_companion(system)
    system.wait(5)
    item = system.workload
    image = item.trees("spec", "template", "spec", "containers")[1].text("image")
    now = system.clock.now()
    system.universe.strike(
        image, Misfortune(now, until=now + timedelta(seconds=3), exit_code=2, lines=("signal: terminated",))
    )


@well(117, minutes=(0.3, 0.6))
def going_for_half_a_minute(system: System) -> None:
    """A rollout of a program that takes 25 seconds to start, looked at within the first half minute."""
    known = replace(system.target.application(), startup_s=25.0)
    system.apply(container(image=system.publish(system.image(), known)))


@well(117, minutes=(0.1, 0.5))
def going_down_gently(system: System) -> None:
    """Pods that take their time to end: they are Terminating, within their grace."""
    known = replace(system.target.application(), shutdown_s=28.0)
    system.publish(system.target.image, known)
    system.recreate_pods()


@well(114, kinds=("Deployment",))
def leads_out_of_the_cluster(system: System) -> Aim:
    """Services without pods that need none: an external name, and one whose addresses are given by hand."""
    name = system.names.word()
    alias: JsonObject = {
        "metadata": {"name": f"{name}-alias"},
        "spec": {"type": "ExternalName", "externalName": "db.example.com"},
    }
    system.cluster.create(SERVICE, system.namespace, alias, TEAM)
    manual: JsonObject = {"metadata": {"name": name}, "spec": {"ports": [{"name": "sql", "port": 5432}]}}
    system.cluster.create(SERVICE, system.namespace, manual, TEAM)
    slice_: JsonObject = {
        "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.10"], "conditions": {"ready": True}}],
        "ports": [{"name": "sql", "port": 5432, "protocol": "TCP"}],
    }  # fmt: skip
    system.cluster.create(ENDPOINT_SLICE, system.namespace, slice_, TEAM)
    return about(ref("v1", "Service", system.namespace, system.names.one(name, f"{name}-alias")))


@well(114, kinds=("DaemonSet",), alerts="KubeDaemonSetNotScheduled KubeDaemonSetRolloutStuck")
def not_on_every_node(system: System) -> None:
    """A node is reserved for others by a taint, with a label that says for whom: the DaemonSet does not want it."""
    node = system.nodes[0]
    taint: JsonObject = {"key": "dedicated", "value": "gpu", "effect": "NoExecute"}

    def edit(item: JsonObject) -> None:
        section(item, "spec")["taints"] = [taint]
        section(item, "metadata", "labels")["dedicated"] = "gpu"

    system.change(NODE, "", node, edit, By("cluster-api"))


@well(114, kinds=SCALED, minutes=_LATER, alerts="KubeHpaReplicasMismatch KubeHpaMaxedOut")
def held_at_its_minimum(system: System) -> Aim:
    """The autoscaler would go lower than it may."""
    target = system.target
    scaled: JsonObject = {"apiVersion": "apps/v1", "kind": target.kind, "name": target.name}
    metric: JsonObject = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    spec: JsonObject = {"scaleTargetRef": scaled, "minReplicas": target.replicas, "maxReplicas": 9, "metrics": [metric]}
    system.cluster.create(AUTOSCALER, system.namespace, {"metadata": {"name": target.name}, "spec": spec}, TEAM)
    now = stamp(system.clock.now())
    told = (
        ("AbleToScale", "ReadyForNewScale", "recommended size matches current size"),
        ("ScalingActive", "ValidMetricFound", "the HPA was able to successfully calculate a replica count"),
        ("ScalingLimited", "TooFewReplicas", "the desired replica count is less than the minimum replica count"),
    )
    conditions: list[Json] = [
        {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now}
        for kind, reason, message in told
    ]
    current: JsonObject = {
        "type": "Resource",
        "resource": {"name": "cpu", "current": {"averageUtilization": 4, "averageValue": "2m"}},
    }
    item = system.find("autoscaling/v2", "HorizontalPodAutoscaler", target.name)
    status: JsonObject = {
        "conditions": conditions,
        "currentReplicas": target.replicas,
        "desiredReplicas": target.replicas,
        "currentMetrics": [current],
    }
    system.rewrite(AUTOSCALER, item, lambda draft: draft.update(status=status))
    return about(item.ref, target.ref)


@well(114, minutes=_LATER)
def former_versions_of_maps_left(system: System) -> None:
    """Immutable maps of former versions lie about, and nobody reads them."""
    for number in (5, 6, 7):
        metadata: JsonObject = {"name": f"{system.target.name}-settings-v{number}", "namespace": system.namespace}
        body: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True}
        apply_manifest(system.cluster, {**body, "data": {"QUEUE": f"main-{number}"}})
    source: JsonObject = {"configMapRef": {"name": f"{system.target.name}-settings-v7"}}
    system.apply(lambda item: first(item).update(envFrom=[source]))


@well(
    117,
    kinds=("StatefulSet",),
    minutes=_LATER,
    alerts="KubeStatefulSetUpdateNotRolledOut KubeStatefulSetGenerationMismatch",
)
def partition_kept_on_purpose(system: System) -> None:
    """Only the last pod gets the new version, because the team tries it there first."""
    image = system.publish(system.image(), system.target.application())

    def edit(item: JsonObject) -> None:
        section(item, "metadata", "annotations")["kubernaut.ai/intended"] = "canary, ask the team"
        rolling: JsonObject = {"partition": system.target.replicas - 1}
        section(item, "spec")["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        first(item)["image"] = image

    system.change(BY_NAME["apps/v1", "StatefulSet"], system.namespace, system.target.name, edit, By("deployer"))


@well(114, kinds=("Deployment",), minutes=_LATER, alerts="KubePersistentVolumeErrors")
def claim_waits_for_its_first_pod(system: System) -> Aim:
    """A claim of a class that binds when a pod comes; none has come so far."""
    name = system.names.word()
    kind: JsonObject = {
        "metadata": {"name": name},
        "provisioner": "csi.example.com",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    system.create("storage.k8s.io/v1", "StorageClass", "", kind)
    spec: JsonObject = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": name,
    }
    system.create("v1", "PersistentVolumeClaim", system.namespace, {"metadata": {"name": name}, "spec": spec})
    claim = system.find("v1", "PersistentVolumeClaim", name)

    def wait(draft: JsonObject) -> None:
        section(draft, "spec").pop("volumeName", None)
        draft["status"] = {"phase": "Pending"}

    system.after.append(lambda: system.rewrite(BY_NAME["v1", "PersistentVolumeClaim"], claim, wait))
    return about(claim.ref)


@well(115, minutes=_LATER)
def place_found_after_a_while(system: System) -> None:
    """No node could take a pod for a minute; the warnings are still there, and every pod runs."""
    for name in system.nodes:
        system.change(
            NODE, "", name, lambda item: section(item, "spec").update(unschedulable=True), By("kubectl-cordon")
        )
    system.recreate_pods()
    system.wait(1)
    for name in system.nodes:
        free = By("kubectl-uncordon")
        system.change(NODE, "", name, lambda item: section(item, "spec").update(unschedulable=False), free)
    system.wait(2)


@well(115, minutes=_LATER)
def image_came_late(system: System) -> None:
    """The pipeline rolls out an image a minute before it is pushed."""
    image = system.image()
    system.apply(container(image=image))
    system.wait(1)
    system.publish(image, system.target.application())
    system.wait(3)


@well(116, minutes=_LATER)
def drained_with_a_word(system: System) -> Aim:
    """A node is drained for its kernel, says so, and the alert is about the program that moved."""
    node = system.pods()[0].text("spec", "nodeName")

    def edit(item: JsonObject) -> None:
        section(item, "spec")["unschedulable"] = True
        section(item, "metadata", "annotations")["kubernaut.ai/maintenance"] = "new kernel, back at noon"

    system.change(NODE, "", node, edit, By("kubectl-drain"))
    for pod in system.cluster.storage.views(POD):
        if pod.text("spec", "nodeName") == node and pod.controller and pod.controller.kind != "DaemonSet":
            system.cluster.delete(POD, pod.namespace, pod.name, By("kubectl-drain"), Deletion())
    return about(system.target.ref)


@well(114, kinds=SCALED, minutes=_LATER, alerts="KubePdbNotEnoughHealthyPods")
def budget_just_kept(system: System) -> Aim:
    selector: JsonObject = {"matchLabels": system.target.labels()}
    name = system.names.word()
    spec: JsonObject = {"minAvailable": system.target.replicas - 1, "selector": selector}
    system.cluster.create(BUDGET, system.namespace, {"metadata": {"name": name}, "spec": spec}, TEAM)
    return about(ref("policy/v1", "PodDisruptionBudget", system.namespace, name))


@well(117, minutes=(2, 10))
def taken_back_by_hand(system: System) -> None:
    """A bad release was rolled back by the team minutes ago; its warnings are still there."""
    system.apply(container(image=system.image()), live=True)
    system.wait(3)
    system.apply(container(image=system.target.image), live=True)
    for pod in system.pods():
        ready = pod.condition("Ready")
        if system.target.kind == "StatefulSet" and (ready is None or ready.text("status") != "True"):
            system.cluster.delete(POD, pod.namespace, pod.name, By("kubectl"), Deletion())
    system.wait(3)


@well(114, minutes=_LATER)
def warnings_of_another_pod_of_that_name(system: System) -> None:
    """An event of an object of another kind that has the name of the workload."""
    item = system.find("v1", "Service", system.target.name)
    system.say(
        "service-controller", item, warning("SyncLoadBalancerFailed", "Error syncing load balancer: quota of addresses")
    )
    system.change(
        CONFIG_MAP,
        system.namespace,
        system.target.settings_name,
        lambda draft: section(draft, "data").update(PAGE_SIZE="60"),
        EDITOR,
    )


@well(117, kinds=("Deployment",), minutes=(5.3, 7.5), alerts="KubeDeploymentReplicasMismatch KubePodNotReady")
def slow_to_start_all_at_once(system: System) -> None:
    """Every pod is replaced at once, by a version that takes eight minutes to load before it listens."""
    known = replace(system.target.application(), startup_s=480.0)
    image = system.publish(system.image(), known)

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec")["strategy"] = {"type": "Recreate"}
        first(manifest).update(image=image)
        section(first(manifest), "livenessProbe")["initialDelaySeconds"] = 600

    system.apply(edit)


@well(114, minutes=_LATER, alerts="BlackboxProbeFailed")
def led_to_another_port_on_purpose(system: System) -> Aim:
    """The program serves two ports, and the team leads its Service from one to the other."""
    known = system.target.application()
    image = system.publish(system.image(), replace(known, listeners=(*known.listeners, Listener(7443))))

    def edit(manifest: JsonObject) -> None:
        first(manifest)["image"] = image
        first(manifest)["ports"] = [
            {"name": "http", "containerPort": system.target.port}, {"name": "http2", "containerPort": 7443},
        ]  # fmt: skip

    system.dress(edit)
    system.wait(4)
    system.edit_service(lambda item: entries(item, "spec", "ports")[0].update(targetPort=7443))
    return about(ref("v1", "Service", system.namespace, system.target.name))


@well(114, kinds=("DaemonSet",), minutes=_LATER, alerts="KubeDaemonSetNotScheduled")
def waits_for_nodes_of_its_kind(system: System) -> Aim:
    """A DaemonSet for nodes that the autoscaler makes when they are needed: there are none at present."""
    name = system.names.workload()
    labels: JsonObject = {"app": name}
    pod: JsonObject = {
        "metadata": {"labels": labels},
        "spec": {
            "nodeSelector": {"accelerator": "gpu"},
            "containers": [{"name": "driver", "image": system.store.image}],
        },
    }
    spec: JsonObject = {"selector": {"matchLabels": labels}, "template": pod}
    system.create("apps/v1", "DaemonSet", system.namespace, {"metadata": {"name": name}, "spec": spec})
    return about(ref("apps/v1", "DaemonSet", system.namespace, name))


@well(114, minutes=_LATER)
def less_patient_and_nobody_minds(system: System) -> None:
    """A timeout is made shorter in an applied map, and the log stays calm."""
    with_variables(system)
    metadata: JsonObject = {"name": f"{system.target.name}-vars", "namespace": system.namespace}
    body: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    apply_manifest(system.cluster, {**body, "data": {"REGION": "eu-1", "QUEUE": "default", "CALL_TIMEOUT": "5s"}})
    system.wait(2)
    name = f"{system.target.name}-vars"
    system.change(CONFIG_MAP, system.namespace, name, lambda item: section(item, "data").update(CALL_TIMEOUT="2s"))


@well(114, kinds=SCALED, minutes=_LATER)
def silent_node_that_came_back(system: System) -> None:
    """A node said nothing for a minute and a half, and is back before its pods are driven out."""
    node = system.pods()[0].text("spec", "nodeName")
    system.universe.stop_node(node)
    system.wait(1.5)
    system.universe.start_node(node)
    system.wait(3)
