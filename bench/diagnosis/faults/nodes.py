"""Rows 103 to 109: nodes."""

from __future__ import annotations

from bench.diagnosis.cases import SCALED, Aim, Policy, about, fault
from bench.diagnosis.system import KUBE_SYSTEM, System, ref
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import NODE, POD
from kubernaut.sandbox.recorder import warning
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import entries, section, set_condition, stamp


def _busiest(system: System) -> str:
    """A node that runs a pod of the target."""
    return system.pods()[0].text("spec", "nodeName")


def _node(name: str) -> Aim:
    return about(ref("v1", "Node", "", name))


@fault(103, "node_not_ready", Policy.APPROVE, alerts="KubeNodeNotReady KubeNodeUnreachable")
def node_went_silent(system: System) -> Aim:
    name = _busiest(system)
    system.universe.stop_node(name)
    return _node(name)


@fault(104, "node_not_ready sandbox_not_made", Policy.ESCALATE, alerts="KubeNodeNotReady", written=True)
def runtime_stopped(system: System) -> Aim:
    """The kubelet goes on and reports that its runtime is down; the sandbox's kubelets have none: written."""
    name, now = _busiest(system), stamp(system.clock.now())

    def finish() -> None:
        message = (
            "[container runtime is down, container runtime status check may not have completed yet, PLEG is not "
            "healthy: pleg was last seen active 6m12.1s ago; threshold is 3m0s]"
        )
        condition: JsonObject = {
            "type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": message,
            "lastTransitionTime": now, "lastHeartbeatTime": stamp(system.clock.now()),
        }  # fmt: skip
        item = system.find("v1", "Node", name, "")
        system.rewrite(NODE, item, lambda draft: _put(draft, condition))

    system.after.append(finish)
    return _node(name)


def _proxies(system: System) -> None:
    """kube-proxy on every node, as kubeadm sets it up."""
    labels: JsonObject = {"k8s-app": "kube-proxy"}
    one: JsonObject = {
        "name": "kube-proxy", "image": system.store.image, "env": [*system.store.environment()],
        "envFrom": [],
    }  # fmt: skip
    for manifest in (system.store.settings(), system.store.credentials()):
        section(manifest, "metadata")["namespace"] = KUBE_SYSTEM
        apply_manifest(system.cluster, manifest)
    body: JsonObject = {
        "metadata": {"name": "kube-proxy", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [one]}},
        },
    }
    system.create("apps/v1", "DaemonSet", KUBE_SYSTEM, body)


@fault(105, "node_proxy_down", Policy.APPROVE, alerts="KubeProxyDown", written=True, prepare=_proxies)
def proxy_stopped_on_a_node(system: System) -> Aim:
    """Only one pod's program stops, and the sandbox strikes those of an image alike: its status is written."""
    pods = [pod for pod in system.cluster.storage.views(POD, KUBE_SYSTEM) if pod.labels.get("k8s-app") == "kube-proxy"]
    chosen, now = system.draw.choice(sorted(pods, key=lambda pod: pod.name)), stamp(system.clock.now())

    def finish() -> None:
        def edit(draft: JsonObject) -> None:
            for kind in ("Ready", "ContainersReady"):
                condition: JsonObject = {
                    "type": kind, "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": now,
                    "message": "containers with unready status: [kube-proxy]",
                }  # fmt: skip
                _put(draft, condition)
            for status in entries(draft, "status", "containerStatuses"):
                ended: JsonObject = {"exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now}
                wait: JsonObject = {
                    "reason": "CrashLoopBackOff",
                    "message": "back-off 5m0s restarting failed container",
                }
                status.update({"ready": False, "restartCount": 7, "state": {"waiting": wait}})
                status["lastState"] = {"terminated": ended}

        system.rewrite(POD, system.find("v1", "Pod", chosen.name, KUBE_SYSTEM), edit)

    system.after.append(finish)
    kube_proxy = ref("apps/v1", "DaemonSet", KUBE_SYSTEM, "kube-proxy")
    return Aim({"namespace": KUBE_SYSTEM, "job": "kube-proxy"}, (kube_proxy,))


def _put(draft: JsonObject, condition: JsonObject) -> None:
    set_condition(section(draft, "status"), dict(condition))


def _pressure(system: System, kind: str, resource: str) -> Aim:
    """The kubelet's condition, the node's taint and the evictions."""
    name, now = _busiest(system), stamp(system.clock.now())
    reason = {"DiskPressure": "KubeletHasDiskPressure", "MemoryPressure": "KubeletHasInsufficientMemory"}[kind]
    condition: JsonObject = {
        "type": kind, "status": "True", "reason": reason, "message": f"kubelet has {kind}",
        "lastTransitionTime": now, "lastHeartbeatTime": now,
    }  # fmt: skip
    taint: JsonObject = {
        "key": f"node.kubernetes.io/{'disk' if kind == 'DiskPressure' else 'memory'}-pressure", "effect": "NoSchedule",
    }  # fmt: skip
    text = f"The node was low on resource: {resource}. Threshold quantity: 1Gi, available: 412Mi. "
    system.change(
        NODE, "", name, lambda item: section(item, "spec").update(taints=[taint]), By("kube-controller-manager")
    )
    for pod in system.pods():
        if pod.text("spec", "nodeName") == name:
            system.say("kubelet", pod, warning("Evicted", text))
            _evict(system, pod, text)

    def finish() -> None:
        system.rewrite(NODE, system.find("v1", "Node", name, ""), lambda draft: _put(draft, condition))

    system.after.append(finish)
    return _node(name)


def _evict(system: System, pod: KubeObject, message: str) -> None:
    now = stamp(system.clock.now())

    def edit(draft: JsonObject) -> None:
        disrupted: JsonObject = {
            "type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": message,
            "lastTransitionTime": now,
        }  # fmt: skip
        draft["status"] = {
            "phase": "Failed", "reason": "Evicted", "message": message, "startTime": now, "conditions": [disrupted],
        }  # fmt: skip

    system.rewrite(POD, pod, edit)


@fault(
    106,
    "evicted_by_node",
    Policy.ESCALATE,
    alerts="KubeNodePressure KubeNodeEviction",
    kinds=("Deployment",),
    written=True,
)
def disk_threshold_too_high(system: System) -> Aim:
    """The sandbox's kubelets do not run short: the condition, the taint and the evictions are written."""
    return _pressure(system, "DiskPressure", "ephemeral-storage")


@fault(
    107,
    "evicted_by_node",
    Policy.APPROVE,
    alerts="KubeNodePressure KubeNodeEviction",
    kinds=("Deployment",),
    written=True,
)
def memory_ran_short(system: System) -> Aim:
    """As above, written."""
    return _pressure(system, "MemoryPressure", "memory")


@fault(109, "insufficient_resources", Policy.ESCALATE, alerts="KubeletTooManyPods KubePodNotReady", kinds=SCALED)
def no_room_for_more_pods(system: System) -> None:
    for name in system.nodes:

        def edit(item: JsonObject) -> None:
            for part in ("capacity", "allocatable"):
                section(item, "status", part)["pods"] = "4"

        system.change(NODE, "", name, edit, By("kubelet", "status"))
    system.scale(4 * len(system.nodes))
