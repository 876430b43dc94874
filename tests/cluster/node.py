"""A node: kubelet and kube-proxy beside containerd, inside namespaces of their own."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.certificates import Authority, KeyPair
from tests.cluster.container_runtime import SOCKET, container_runtime
from tests.cluster.control_plane import POD_ADDRESSES, ControlPlane
from tests.cluster.images import IMAGES, REGISTRY
from tests.cluster.name_server import NameServer, name_server
from tests.cluster.namespaces import Link, Namespaces, control_group, namespaces
from tests.cluster.processes import Child, start
from tests.cluster.programs import Kubernetes
from tests.cluster.registry import registry

NAME = "node-1"
LABEL = "test.kubernaut.ai/bed"
_KUBELET_PORT = 10250


@dataclass(frozen=True)
class Node:
    """A running node, and the ways to harm it."""

    name: str
    inside: Namespaces
    kubelet: Child

    def freeze(self) -> None:
        """Stops the kubelet without ending it: the node falls silent, its containers run on."""
        self.kubelet.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.kubelet.signal(signal.SIGCONT)


@dataclass(frozen=True)
class Ground:
    """What a node stands on before the control plane runs: its namespaces, its runtime, its place in the machine."""

    link: Link
    inside: Namespaces
    group: str
    names: NameServer


@contextmanager
def ground(folder: Path, link: Link, authority: Authority) -> Iterator[Ground]:
    """The half of a node that needs no API server, with a registry and a name server in its reach."""
    with ExitStack() as stack:
        group = stack.enter_context(control_group(f"kubernaut-bed-{link.name}"))
        inside = stack.enter_context(namespaces(folder, link))
        identity = authority.issue(REGISTRY, hosts=[REGISTRY])
        stack.enter_context(registry(IMAGES, link.outside, identity))
        names = stack.enter_context(name_server(link.outside, {REGISTRY: link.outside}))
        stack.enter_context(container_runtime(inside, folder, trusted=authority.root.certificate))
        yield Ground(link, inside, group, names)


@contextmanager
def node(kubernetes: Kubernetes, plane: ControlPlane, place: Ground, folder: Path) -> Iterator[Node]:
    """A node that registers itself; whether it is ready, its status in the API tells."""
    authority, logs = plane.authority, folder / "logs"
    with ExitStack() as stack:
        serving = authority.issue(f"system:node:{NAME}", organisation="system:nodes", hosts=[NAME, place.link.inside])
        kubeconfig = authority.kubeconfig(serving, plane.server)
        configuration = folder / "kubelet.json"
        configuration.write_text(json.dumps(_kubelet(authority, serving, place, folder)))
        flags = [
            f"--config={configuration}",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={NAME}",
            f"--node-ip={place.link.inside}",
            f"--node-labels={LABEL}=true",
        ]
        kubelet = start("kubelet", place.inside.entering([*kubernetes.command("kubelet"), *flags]), logs)
        stack.callback(kubelet.stop)
        configuration = folder / "kube-proxy.json"
        proxy_identity = authority.issue("system:kube-proxy")
        configuration.write_text(json.dumps(_proxy(authority.kubeconfig(proxy_identity, plane.server))))
        command = [*kubernetes.command("kube-proxy"), f"--config={configuration}"]
        stack.callback(start("kube-proxy", place.inside.entering(command), logs).stop)
        yield Node(NAME, place.inside, kubelet)


def _kubelet(authority: Authority, serving: KeyPair, place: Ground, folder: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": place.link.inside,
        "port": _KUBELET_PORT,
        "healthzPort": 0,
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "authentication": {"x509": {"clientCAFile": str(authority.root.certificate)}, "anonymous": {"enabled": False}},
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": place.group,
        "oomScoreAdj": 0,
        "failSwapOn": False,
        "failCgroupV1": False,
        "resolvConf": str(folder / "resolv.conf"),
        "clusterDNS": [place.link.outside],
        "clusterDomain": "cluster.local",
        # The machine's disk and memory are not the subject: no image is collected, no pod evicted for them.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        # What production does in minutes is wanted in seconds.
        "syncFrequency": "5s",
        "fileCheckFrequency": "1h",
        "nodeStatusUpdateFrequency": "2s",
        "nodeLeaseDurationSeconds": 8,
        "featureGates": {"KubeletCrashLoopBackOffMax": True, "ReduceDefaultCrashLoopBackOffDecay": True},
        "crashLoopBackOff": {"maxContainerRestartPeriod": "4s"},
        "maxPods": 200,
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
    }


def _proxy(kubeconfig: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": NAME,
        "oomScoreAdj": 0,
        "mode": "iptables",
        "clusterCIDR": POD_ADDRESSES,
        "iptables": {"minSyncPeriod": "50ms"},
        # The machine's table of connections belongs to the machine: leave its size and times alone.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }
