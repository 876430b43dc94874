"""What of the cluster's own parts a workload or an autoscaler waits for, where those parts fail themselves.

A pod needs the agents of its node before its first container starts: the one of the network and those of volumes. That
one of them fails is only looked for where the kubelet's words name it.
"""

from __future__ import annotations

import re
from typing import Final

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.containers import is_leaving, is_ready
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import AUTOSCALER, Thing

_SYSTEM: Final = "kube-system"
_STUCK: Final = ("FailedCreatePodSandBox", "NetworkNotReady", "FailedMount", "FailedAttachVolume")
_NAMED: Final = re.compile(
    r'plugin type="([\w.-]+)"|driver name ([\w.-]+) not found|does not contain driver ([\w.-]+)'
    r"|check that the ([\w-]+)/node container is running"
)
_WORDS: Final = re.compile(r"[a-z0-9]+")
# They stand in the names of many agents.
_COMMON: Final = frozenset({"com", "io", "org", "net", "k8s", "x", "node", "plugin", "driver", "cni", "csi"})
_METRICS_API: Final = re.compile(r"metrics\.k8s\.io|resource metrics API")


def failing_agents(workload: Workload) -> list[KubeObject]:
    """The DaemonSets that fail on the node of a pod which cannot start, and which the kubelet says that it lacks."""
    found: dict[str, KubeObject] = {}
    for pod in workload.pods:
        words = _lacked(workload, pod) if not is_ready(pod) and not is_leaving(pod) else set()
        for agent in _system_agents(workload) if words else ():
            if words & _words(agent.name) and _fails_on(workload, agent, pod.text("spec", "nodeName")):
                found[agent.uid or agent.name] = agent
    return list(found.values())


def failing_sources(thing: Thing) -> list[KubeObject]:
    """The server of the metrics API, where an autoscaler gets no answer from it."""
    states = thing.object.conditions() if thing.object.kind == AUTOSCALER else ()
    if not any(state.text("status") == "False" and _METRICS_API.search(state.text("message")) for state in states):
        return []
    item = thing.scene.get("Deployment", _SYSTEM, "metrics-server")
    return [item] if item is not None and Workload(thing.scene, item).ready == 0 else []


def _lacked(workload: Workload, pod: KubeObject) -> set[str]:
    """The words of the names of what the kubelet could not use."""
    found: set[str] = set()
    for entry in workload.scene.events_of(pod, *_STUCK):
        for match in _NAMED.finditer(entry.text("message")[:4000]):
            found.update(*(_words(part) for part in match.groups() if part))
    return found


def _words(name: str) -> set[str]:
    return set(_WORDS.findall(name.lower())) - _COMMON


def _system_agents(workload: Workload) -> list[KubeObject]:
    return workload.scene.all("DaemonSet", _SYSTEM)


def _fails_on(workload: Workload, agent: KubeObject, node: str) -> bool:
    pods = [pod for pod in workload.scene.pods_of(agent) if pod.text("spec", "nodeName") == node]
    return bool(pods) and not any(is_ready(pod) for pod in pods)
