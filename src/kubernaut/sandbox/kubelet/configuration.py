"""What a container gets from ConfigMaps, Secrets and its spec, or what the kubelet says is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.kinds import CONFIG_MAP, ENDPOINT_SLICE, SECRET, SERVICE, Kind

_CLUSTER_DOMAIN = ".svc.cluster.local"


class Missing(KubernautError):
    """Something the pod refers to is not there; the text is the kubelet's."""

    code = "sandbox_missing"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The environment and the mounted files of one container; `call` gives what a call to an address fails with."""

    env: dict[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    call: Callable[[str], str] = lambda _: ""


def _keys(item: KubeObject) -> dict[str, str]:
    return {**item.mapping("data"), **item.mapping("stringData")}


class Configurations:
    """Reads what pods refer to."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def _find(self, kind: Kind, pod: KubeObject, name: str, *, optional: bool) -> KubeObject | None:
        found = self._cluster.find(kind, pod.namespace, name)
        if found is None and not optional:
            raise Missing(f'{kind.name.lower()} "{name}" not found')
        return found

    def environment(self, pod: KubeObject, container: Tree) -> dict[str, str]:
        """The variables of the container; raises `Missing`."""
        env: dict[str, str] = {}
        for source in container.trees("envFrom"):
            for field_name, kind in (("configMapRef", CONFIG_MAP), ("secretRef", SECRET)):
                if source.has(field_name):
                    name = source.text(field_name, "name")
                    found = self._find(kind, pod, name, optional=source.flag(field_name, "optional"))
                    prefix = source.text("prefix")
                    env |= {prefix + key: value for key, value in (_keys(found) if found else {}).items()}
        for variable in container.trees("env"):
            value = self._value(pod, variable)
            if value is not None:
                env[variable.text("name")] = value
        return env

    def _value(self, pod: KubeObject, variable: Tree) -> str | None:
        if not variable.has("valueFrom"):
            return variable.text("value")
        for field_name, kind in (("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET)):
            if not variable.has("valueFrom", field_name):
                continue
            source = variable.tree("valueFrom", field_name)
            optional, key = source.flag("optional"), source.text("key")
            found = self._find(kind, pod, source.text("name"), optional=optional)
            values = _keys(found) if found else {}
            if key not in values and not optional:
                where = f"{kind.name} {pod.namespace}/{source.text('name')}"
                raise Missing(f"couldn't find key {key} in {where}")
            return values.get(key)
        path = variable.text("valueFrom", "fieldRef", "fieldPath")
        return pod.text(*path.split(".")) if path else ""

    def unmountable(self, pod: KubeObject) -> str:
        """Why the pod's volumes cannot be mounted, empty where they can."""
        for volume in pod.trees("spec", "volumes"):
            try:
                self._keys_of_volume(pod, volume)
            except Missing as missing:
                return f'MountVolume.SetUp failed for volume "{volume.text("name")}" : {missing}'
        return ""

    def _keys_of_volume(self, pod: KubeObject, volume: Tree) -> set[str]:
        if volume.has("projected"):
            return {key for source in volume.trees("projected", "sources") for key in self._keys_of(pod, source)}
        return self._keys_of(pod, volume)

    def _keys_of(self, pod: KubeObject, volume: Tree) -> set[str]:
        for field_name, name_field, kind in (("configMap", "name", CONFIG_MAP), ("secret", "secretName", SECRET)):
            if not volume.has(field_name):
                continue
            source = volume.tree(field_name)
            optional = source.flag("optional")
            # A projected Secret is named as a ConfigMap is.
            found = self._find(kind, pod, source.text(name_field) or source.text("name"), optional=optional)
            keys = set(_keys(found)) if found else set()
            items = source.trees("items")
            absent = next((item.text("key") for item in items if item.text("key") not in keys), None)
            if absent is not None and not optional:
                start = (
                    "configmap references non-existent config"
                    if kind is CONFIG_MAP
                    else "references non-existent secret"
                )
                raise Missing(f"{start} key: {absent}")
            return {item.text("path") for item in items} if source.has("items") else keys
        return set()

    def files(self, pod: KubeObject, container: Tree) -> frozenset[str]:
        """The paths of the files that volumes bring into the container."""
        volumes = {volume.text("name"): volume for volume in pod.trees("spec", "volumes")}
        found: set[str] = set()
        for mount in container.trees("volumeMounts"):
            volume = volumes.get(mount.text("name"))
            if volume is None:
                continue
            path = mount.text("mountPath").rstrip("/")
            try:
                keys = self._keys_of_volume(pod, volume)
            except Missing:
                continue
            sub = mount.text("subPath")
            found |= {path} if sub and sub in keys else {f"{path}/{key}" for key in keys}
        return frozenset(found)

    def configure(self, pod: KubeObject, container: Tree) -> Configuration:
        """All the container gets; raises `Missing`."""
        return Configuration(self.environment(pod, container), self.files(pod, container), partial(self._call, pod))

    def _call(self, pod: KubeObject, address: str) -> str:
        """What the program sees when it calls the address: nothing where a ready pod answers."""
        host, _, port = address.rpartition("://")[2].partition("/")[0].partition(":")
        name, _, rest = host.partition(".")
        if host in ("localhost", "127.0.0.1"):
            return f"dial tcp 127.0.0.1:{port or 80}: connect: connection refused"
        server = _resolver(pod)
        service = self._cluster.find(SERVICE, rest.partition(".")[0] or pod.namespace, name)
        unresolved = f"dial tcp: lookup {host} on {server}: no such host"
        if service is None or not server.startswith("10.96."):
            return unresolved
        if service.text("spec", "type") == "ExternalName":
            other = service.text("spec", "externalName")
            # Names outside of the cluster are taken to be there.
            failed = self._call(pod, f"{other}:{port or 80}") if other.endswith(_CLUSTER_DOMAIN) else ""
            return failed.replace(f"lookup {other} ", f"lookup {host} ")
        return self._connect(service, port or "80", unresolved)

    def _connect(self, service: KubeObject, port: str, unresolved: str) -> str:
        slices = self._cluster.storage.views(ENDPOINT_SLICE, service.namespace)
        ready = [each for each in slices if _serves(each, service)]
        if service.text("spec", "clusterIP") == "None":
            return _connect_pods(ready, port) if ready else unresolved
        place = f"{service.text('spec', 'clusterIP')}:{port}"
        offered = [entry.text("name") for entry in service.trees("spec", "ports") if str(entry.integer("port")) == port]
        if not offered:
            return f"dial tcp {place}: i/o timeout"
        served = any(entry.text("name") in offered for slice_ in ready for entry in slice_.trees("ports"))
        return "" if served else f"dial tcp {place}: connect: connection refused"

    def has_credentials(self, pod: KubeObject) -> bool:
        """Whether a pull secret of the pod exists."""
        names = [item.text("name") for item in pod.trees("spec", "imagePullSecrets")]
        return any(self._cluster.find(SECRET, pod.namespace, name) for name in names)


def _resolver(pod: KubeObject) -> str:
    """The name server that the pod's programs ask."""
    policy = pod.text("spec", "dnsPolicy") or "ClusterFirst"
    if policy == "None":
        return f"{next(iter(pod.texts('spec', 'dnsConfig', 'nameservers')), '127.0.0.1')}:53"
    # Whoever is on the host's network asks the host's resolver, unless told ClusterFirstWithHostNet.
    if policy == "Default" or (policy == "ClusterFirst" and pod.flag("spec", "hostNetwork")):
        return "10.0.0.2:53"
    return "10.96.0.10:53"


def _serves(slice_: KubeObject, service: KubeObject) -> bool:
    if slice_.labels.get("kubernetes.io/service-name") != service.name:
        return False
    # Absent means ready: the field is a pointer, and clients have to take nil for true.
    return any(entry.at("conditions", "ready") is not False for entry in slice_.trees("endpoints"))


def _connect_pods(ready: list[KubeObject], port: str) -> str:
    """The name of a headless Service leads to the pods themselves, and to their own ports."""
    open_ports = {str(entry.integer("port")) for slice_ in ready for entry in slice_.trees("ports")}
    address = next(iter(ready[0].trees("endpoints")[0].texts("addresses")), "")
    return "" if port in open_ports else f"dial tcp {address}:{port}: connect: connection refused"
