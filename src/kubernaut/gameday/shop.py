"""The healthy system that a fault is put into: a workload with its Service and settings, and what stands beside it.

The program is a shell script in a ConfigMap, so an image with a busybox shell is all that a cluster has to have. It
behaves as ordinary services do: refuses flags that it does not know, wants its settings, calls what it depends on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.domain.provenance import LAST_APPLIED

PORT = 8080
STORE_PORT = 9000
_API_VERSIONS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1"}

SCRIPT = """\
port=8080 cache_mib=0 calls= writes=
for argument in "$@"; do
  value=${argument#*=}
  case $argument in
  --listen=*) port=${value#:} ;;
  --cache-mib=*) cache_mib=$value ;;
  --calls=*) calls=$value ;;
  --writes=*) writes=$value ;;
  --workers=*) : ;;
  *) echo "Error: unknown flag: ${argument%%=*}" >&2; echo "Run with --help for usage." >&2; exit 1 ;;
  esac
done
for name in LOG_LEVEL UPSTREAM_URL; do
  eval "value=\\${$name:-}"
  if [ -z "$value" ]; then
    echo "level=error msg=\\"configuration invalid\\" err=\\"environment variable $name is not set\\"" >&2; exit 1
  fi
done
if [ -n "$writes" ] && ! mkdir -p "$writes"; then echo "level=fatal msg=\\"cannot start\\"" >&2; exit 1; fi
if [ -n "$calls" ]; then
  eval "address=\\${$calls:-}"
  if ! timeout 5 wget -q -O /dev/null "$address/healthz"; then
    echo "level=fatal msg=\\"dependency not reached\\" variable=$calls address=$address" >&2; exit 1
  fi
fi
mkdir -p /tmp/site
cache=$(dd if=/dev/zero bs=1M count="$cache_mib" 2>/dev/null | tr '\\0' p)
sleep 2 &
wait $!
echo ok >/tmp/site/healthz; echo ok >/tmp/site/readyz; echo ok >/tmp/site/index.html
trap 'kill $server; exit 0' TERM INT
httpd -f -p "$port" -h /tmp/site &
server=$!
echo "level=info msg=listening addr=:$port"
wait $server
echo "level=fatal msg=\\"cannot serve\\" err=\\"listen tcp :$port: bind: address already in use\\"" >&2
exit 1
"""


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a cluster by what is in them. A role that is not there cannot be played."""

    by_role: Mapping[str, str]

    def __getitem__(self, role: str) -> str:
        return self.by_role[role]

    def has(self, *roles: str) -> bool:
        """Whether all these roles can be played."""
        return all(role in self.by_role for role in roles)


def live_images(image: str) -> Images:
    """One image with a busybox shell plays every role that needs no other registry and no other processor."""
    roles = ("web", "next", "caller", "store", "writer", "hungry")
    return Images(dict.fromkeys(roles, image))


_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "caller": ("--calls=UPSTREAM_URL",),
    "writer": ("--writes=/var/spool/mail",),
    "hungry": ("--cache-mib=60",),
}


@dataclass(frozen=True, slots=True)
class App:
    """One workload with its Service, its settings and its program."""

    namespace: str
    name: str
    image: str
    role: str = "web"
    kind: str = "Deployment"
    replicas: int = 2
    port: int = PORT
    upstream: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> ObjectRef:
        """The address of its workload."""
        return ObjectRef(_API_VERSIONS[self.kind], self.kind, self.namespace, self.name)

    @property
    def service_ref(self) -> ObjectRef:
        """The address of its Service."""
        return ObjectRef("v1", "Service", self.namespace, self.name)

    @property
    def settings_ref(self) -> ObjectRef:
        """The address of its ConfigMap."""
        return ObjectRef("v1", "ConfigMap", self.namespace, f"{self.name}-settings")

    def manifests(self) -> list[JsonObject]:
        """All of it, in the order in which it is applied."""
        return [self.settings(), self.program(), self.workload(), self.service()]

    def workload(self) -> JsonObject:
        """The manifest of its workload."""
        spec: JsonObject = {"selector": {"matchLabels": {"app": self.name}}, "template": self._template()}
        if self.kind == "StatefulSet":
            spec["serviceName"] = self.name
        if self.kind == "Deployment":
            # That a rollout is stuck shows after this long; ten minutes, the default, would be waited for each time.
            spec["progressDeadlineSeconds"] = 120
        if self.kind != "DaemonSet":
            spec["replicas"] = self.replicas
        return {
            "apiVersion": _API_VERSIONS[self.kind],
            "kind": self.kind,
            "metadata": self._metadata(self.name, **self.annotations),
            "spec": spec,
        }

    def _template(self) -> JsonObject:
        volume: JsonObject = {"name": "app", "configMap": {"name": f"{self.name}-program"}}
        spec: JsonObject = {
            "terminationGracePeriodSeconds": 2,
            "containers": [self._container()],
            "volumes": [volume],
        }
        return {"metadata": {"labels": {"app": self.name}}, "spec": spec}

    def _container(self) -> JsonObject:
        env: list[Json] = [
            {"name": key, "valueFrom": {"configMapKeyRef": {"name": f"{self.name}-settings", "key": key}}}
            for key in ("LOG_LEVEL", "UPSTREAM_URL")
        ]
        return {
            "name": self.name,
            "image": self.image,
            "command": ["/bin/sh", "/app/serve.sh"],
            "args": [f"--listen=:{self.port}", *_ARGUMENTS.get(self.role, ())],
            "ports": [{"name": "http", "containerPort": self.port}],
            "env": env,
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": self.port}, "periodSeconds": 5},
            "livenessProbe": {
                "httpGet": {"path": "/healthz", "port": self.port},
                "periodSeconds": 10,
                "initialDelaySeconds": 10,
            },
            "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
            "volumeMounts": [{"name": "app", "mountPath": "/app"}],
        }

    def service(self) -> JsonObject:
        """The manifest of its Service."""
        port: JsonObject = {"name": "http", "port": self._offered, "targetPort": self.port}
        spec: JsonObject = {"selector": {"app": self.name}, "ports": [port]}
        return {"apiVersion": "v1", "kind": "Service", "metadata": self._metadata(self.name), "spec": spec}

    @property
    def _offered(self) -> int:
        return STORE_PORT if self.port == STORE_PORT else 80

    def settings(self) -> JsonObject:
        """The manifest of its ConfigMap."""
        content: JsonObject = {"LOG_LEVEL": "info", "UPSTREAM_URL": self.upstream or "http://localhost:8080"}
        return self._config_map(self.settings_ref.name, content)

    def program(self) -> JsonObject:
        """The manifest of the ConfigMap that holds the program."""
        return self._config_map(f"{self.name}-program", {"serve.sh": SCRIPT})

    def _config_map(self, name: str, content: JsonObject) -> JsonObject:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self._metadata(name), "data": content}

    def _metadata(self, name: str, **annotations: str) -> JsonObject:
        metadata: JsonObject = {"name": name, "namespace": self.namespace, "labels": {"app": self.name}}
        return metadata | ({"annotations": {**annotations}} if annotations else {})


@dataclass(frozen=True, slots=True)
class Shop:
    """The app that breaks, the one that it may depend on, and healthy ones that nobody may touch."""

    app: App
    store: App | None
    neighbours: tuple[App, ...]
    images: Images

    @property
    def namespace(self) -> str:
        """The throw-away namespace."""
        return self.app.namespace

    @property
    def apps(self) -> tuple[App, ...]:
        """All of them, what others depend on first."""
        return (*([self.store] if self.store else []), self.app, *self.neighbours)

    @property
    def needed(self) -> App:
        """What the app depends on; for faults that ask for it."""
        if self.store is None:
            raise LookupError(f"{self.app.name} depends on nothing")
        return self.store

    def manifests(self) -> list[JsonObject]:
        """The whole healthy system."""
        return [manifest for app in self.apps for manifest in app.manifests()]


def noted(manifest: JsonObject) -> JsonObject:
    """The manifest with the note that `kubectl apply` leaves."""
    metadata = manifest.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    annotations = metadata.get("annotations")
    text = json.dumps(manifest, separators=(",", ":")) + "\n"
    metadata["annotations"] = {**(annotations if isinstance(annotations, dict) else {}), LAST_APPLIED: text}
    return {**manifest, "metadata": metadata}
