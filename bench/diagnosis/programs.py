"""One program of a generated system: the manifests that its team applies, and what its image does."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.sandbox.applications import MEBIBYTE, Application, Listener

REGISTRY = "registry.example.com"
FLAGS = frozenset({"--listen", "--verbose", "--workers"})
WORKING_SET = 72 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Program:
    """A workload with its Service, its ConfigMap and its Secret."""

    kind: str
    namespace: str
    name: str
    tag: str
    replicas: int
    port: int
    memory: str
    label: str
    calls: str
    ready_path: str
    probed_s: int = 5

    @property
    def ref(self) -> ObjectRef:
        """Its workload."""
        return ObjectRef("apps/v1", self.kind, self.namespace, self.name)

    @property
    def image(self) -> str:
        """Its image."""
        return f"{REGISTRY}/{self.namespace}/{self.name}:{self.tag}"

    @property
    def settings_name(self) -> str:
        """Its ConfigMap."""
        return f"{self.name}-config"

    @property
    def credentials_name(self) -> str:
        """Its Secret."""
        return f"{self.name}-auth"

    @property
    def address(self) -> str:
        """Where others call it."""
        return f"http://{self.name}:80"

    def labels(self) -> JsonObject:
        """What its Service selects."""
        return {self.label: self.name}

    def application(self) -> Application:
        """What the program in its image needs and does."""
        return Application(
            listeners=(Listener(self.port),),
            working_set=WORKING_SET,
            commands=frozenset({self.name}),
            flags=FLAGS,
            required_env=("LOG_LEVEL", "TOKEN", "REGION"),
            calls=("UPSTREAM_ADDR",) if self.calls else (),
            greeting=(f'level=info msg="starting" program={self.name}', f'level=info msg="listening" port={self.port}'),
        )

    def workload(self) -> JsonObject:
        """The manifest of its workload."""
        spec: JsonObject = {"selector": {"matchLabels": self.labels()}, "template": self._template()}
        if self.kind != "DaemonSet":
            spec["replicas"] = self.replicas
        if self.kind == "StatefulSet":
            spec["serviceName"] = self.name
        metadata: JsonObject = {"name": self.name, "namespace": self.namespace, "labels": self.labels()}
        return {"apiVersion": "apps/v1", "kind": self.kind, "metadata": metadata, "spec": spec}

    def _template(self) -> JsonObject:
        return {"metadata": {"labels": self.labels()}, "spec": {"containers": [self._container()]}}

    def _container(self) -> JsonObject:
        ready: JsonObject = {"httpGet": {"path": self.ready_path, "port": self.port}, "periodSeconds": self.probed_s}
        alive: JsonObject = {"httpGet": {"path": "/healthz", "port": self.port}, "initialDelaySeconds": 10}
        alive["periodSeconds"] = 2 * self.probed_s
        return {
            "name": self.name.rpartition("-")[2],
            "image": self.image,
            "args": [f"--listen=:{self.port}"],
            "ports": [{"name": "http", "containerPort": self.port}],
            "env": self.environment(),
            "readinessProbe": ready,
            "livenessProbe": alive,
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": self.memory}},
        }

    def environment(self) -> list[Json]:
        """The variables of its container."""
        level: JsonObject = {"configMapKeyRef": {"name": self.settings_name, "key": "LOG_LEVEL"}}
        token: JsonObject = {"secretKeyRef": {"name": self.credentials_name, "key": "TOKEN"}}
        env: list[Json] = [
            {"name": "LOG_LEVEL", "valueFrom": level},
            {"name": "TOKEN", "valueFrom": token},
            {"name": "REGION", "value": "eu-1"},
        ]
        return [*env, {"name": "UPSTREAM_ADDR", "value": self.calls}] if self.calls else env

    def settings(self) -> JsonObject:
        """The manifest of its ConfigMap."""
        content: JsonObject = {"LOG_LEVEL": "info", "CACHE_TTL": "30s", "PAGE_SIZE": "50"}
        metadata: JsonObject = {"name": self.settings_name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content}

    def credentials(self) -> JsonObject:
        """The manifest of its Secret."""
        metadata: JsonObject = {"name": self.credentials_name, "namespace": self.namespace}
        content: JsonObject = {"TOKEN": "bm90LWEtcmVhbC1vbmU="}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": content}

    def service(self) -> JsonObject:
        """The manifest of its Service."""
        port: JsonObject = {"name": "http", "port": 80, "targetPort": self.port}
        metadata: JsonObject = {"name": self.name, "namespace": self.namespace, "labels": self.labels()}
        spec: JsonObject = {"selector": self.labels(), "ports": [port]}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
