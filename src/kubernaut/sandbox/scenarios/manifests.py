"""The manifests of the example system, and the ways in which people change them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.sandbox.cluster import By, Cluster
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import BY_NAME, CONFIG_MAP, DEPLOYMENT, POD, SERVICE
from kubernaut.sandbox.patching import apply_merge_patch
from kubernaut.sandbox.shapes import copied, decoded, encoded, entries, section
from kubernaut.sandbox.strategic import apply_strategic_patch, three_way_patch

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
REGISTRY = "registry.example.com"
_APPLY = By("kubectl-client-side-apply")
_EDIT = By("kubectl-edit")
_PATCH = By("kubectl-patch")
Edit = Callable[[JsonObject], None]


@dataclass(frozen=True, slots=True)
class App:
    """One Deployment with its Service and its ConfigMap."""

    namespace: str
    name: str
    tag: str = "1.8.2"
    replicas: int = 2
    memory: str = "192Mi"
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def image(self) -> str:
        """Its image."""
        return f"{REGISTRY}/{self.namespace}/{self.name}:{self.tag}"

    def deployment(self) -> JsonObject:
        """The manifest of its Deployment."""
        template: JsonObject = {
            "metadata": {"labels": {"app": self.name}},
            "spec": {"containers": [self._container()]},
        }
        metadata: JsonObject = {"name": self.name, "namespace": self.namespace, "labels": {"app": self.name}}
        if self.annotations:
            metadata["annotations"] = {**self.annotations}
        spec: JsonObject = {
            "replicas": self.replicas,
            "selector": {"matchLabels": {"app": self.name}},
            "template": template,
        }
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    def _container(self) -> JsonObject:
        env: list[Json] = [
            {"name": key, "valueFrom": {"configMapKeyRef": {"name": self.settings_name, "key": key}}}
            for key in ("LOG_LEVEL", "UPSTREAM_URL")
        ]
        probe: JsonObject = {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 5}
        alive: JsonObject = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
        return {
            "name": self.name,
            "image": self.image,
            "args": ["--listen=:8080"],
            "ports": [{"name": "http", "containerPort": 8080}],
            "env": env,
            "readinessProbe": probe,
            "livenessProbe": {**alive, "initialDelaySeconds": 5},
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": self.memory}},
        }

    @property
    def settings_name(self) -> str:
        """The name of its ConfigMap."""
        return f"{self.name}-settings"

    def settings(self) -> JsonObject:
        """The manifest of its ConfigMap."""
        content: JsonObject = {
            "LOG_LEVEL": "info",
            "UPSTREAM_URL": f"http://{self.name}-store:9000",
            "CACHE_TTL": "30s",
        }
        metadata: JsonObject = {"name": self.settings_name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content}

    def service(self) -> JsonObject:
        """The manifest of its Service."""
        port: JsonObject = {"name": "http", "port": 80, "targetPort": 8080}
        spec: JsonObject = {"selector": {"app": self.name}, "ports": [port]}
        metadata: JsonObject = {"name": self.name, "namespace": self.namespace, "labels": {"app": self.name}}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def apply_manifest(cluster: Cluster, manifest: JsonObject) -> None:
    """What `kubectl apply` does: creates, or sends the three-way patch; notes what was applied."""
    item = copied(manifest)
    kind = BY_NAME[str(item["apiVersion"]), str(item["kind"])]
    view = KubeObject(item)
    applied = encoded(item).decode() + "\n"
    section(item, "metadata", "annotations")[LAST_APPLIED] = applied
    current = cluster.find(kind, view.namespace, view.name)
    if current is None:
        cluster.create(kind, view.namespace, item, _APPLY)
        return
    last = current.annotations.get(LAST_APPLIED, "{}")
    patch = three_way_patch(decoded(last.encode()), item)
    # The note itself is no part of what was applied.
    section(patch, "metadata", "annotations")[LAST_APPLIED] = applied
    cluster.change(kind, view.namespace, view.name, lambda draft: apply_strategic_patch(draft, patch), _APPLY)


def apply_changed(cluster: Cluster, app: App, edit: Edit) -> None:
    """Applies the app's Deployment with a change, as a person does who edits the file."""
    manifest = app.deployment()
    edit(manifest)
    apply_manifest(cluster, manifest)


def container_of(manifest: JsonObject) -> JsonObject:
    """The first container of a Deployment's template, to be changed."""
    return entries(manifest, "spec", "template", "spec", "containers")[0]


def edit_service(cluster: Cluster, app: App, edit: Edit) -> None:
    """`kubectl edit service`."""
    cluster.change(SERVICE, app.namespace, app.name, edit, _EDIT)


def patch_settings(cluster: Cluster, app: App, content: Mapping[str, str | None]) -> None:
    """`kubectl patch configmap` with a merge patch; None removes a key."""

    def edit(draft: JsonObject) -> JsonObject:
        patched = apply_merge_patch(draft, {"data": {**content}})
        return patched if isinstance(patched, dict) else draft

    cluster.change(CONFIG_MAP, app.namespace, app.settings_name, edit, _PATCH)


def scale(cluster: Cluster, app: App, replicas: int) -> None:
    """`kubectl scale`."""

    def edit(draft: JsonObject) -> None:
        section(draft, "spec")["replicas"] = replicas

    cluster.change(DEPLOYMENT, app.namespace, app.name, edit, By("kubectl", "scale"))


def delete_pods(cluster: Cluster, app: App) -> None:
    """`kubectl delete pod -l app=…`."""
    for pod in cluster.storage.views(POD, app.namespace):
        if pod.labels.get("app") == app.name:
            cluster.delete(POD, pod.namespace, pod.name, By("kubectl"), Deletion())
