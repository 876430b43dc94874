"""What the API server fills in where a manifest is silent."""

from __future__ import annotations

from base64 import b64encode

from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.sandbox.shapes import entries, section

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def apply_defaults(item: JsonObject) -> None:
    """Fills the defaults of the object's kind in place."""
    match item.get("kind"):
        case "Pod":
            default_pod_spec(section(item, "spec"))
        case "Deployment":
            _deployment(section(item, "spec"))
        case "ReplicaSet":
            _replica_set(item)
        case "StatefulSet":
            _stateful_set(item)
        case "DaemonSet":
            _daemon_set(item)
        case "Job":
            _job(section(item, "spec"))
        case "Service":
            _service(section(item, "spec"))
        case "Secret":
            _secret(item)
        case "Namespace":
            _fill(section(item, "spec"), {"finalizers": ["kubernetes"]})
            _fill(section(item, "status"), {"phase": "Active"})
        case _:
            pass


def _fill(target: JsonObject, defaults: JsonObject) -> None:
    for key, value in defaults.items():
        if target.get(key) is None:
            target[key] = value


def _replica_set(item: JsonObject) -> None:
    _fill(section(item, "spec"), {"replicas": 1})
    _template(item)


def _job(spec: JsonObject) -> None:
    default_pod_spec(section(spec, "template", "spec"))
    _fill(spec, {"parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed"})
    _fill(spec, {"suspend": False})


def _secret(item: JsonObject) -> None:
    _fill(item, {"type": "Opaque"})
    for key, text in Tree(item).mapping("stringData").items():
        section(item, "data")[key] = b64encode(text.encode()).decode()
    item.pop("stringData", None)


def _template(item: JsonObject) -> None:
    spec = section(item, "spec", "template", "spec")
    section(item, "spec", "template", "metadata").setdefault("creationTimestamp", None)
    default_pod_spec(spec)


def _deployment(spec: JsonObject) -> None:
    _fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = section(spec, "strategy")
    _fill(strategy, {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        _fill(section(strategy, "rollingUpdate"), {"maxSurge": "25%", "maxUnavailable": "25%"})
    _template({"spec": spec})


def _stateful_set(item: JsonObject) -> None:
    spec = section(item, "spec")
    _fill(spec, {"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10})
    strategy = section(spec, "updateStrategy")
    _fill(strategy, {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        _fill(section(strategy, "rollingUpdate"), {"partition": 0})
    _template(item)


def _daemon_set(item: JsonObject) -> None:
    spec = section(item, "spec")
    _fill(spec, {"revisionHistoryLimit": 10})
    strategy = section(spec, "updateStrategy")
    _fill(strategy, {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        _fill(section(strategy, "rollingUpdate"), {"maxSurge": 0, "maxUnavailable": 1})
    _template(item)


def default_pod_spec(spec: JsonObject) -> None:
    """The defaults of a pod's spec, also inside a template."""
    _fill(
        spec,
        {
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
            "securityContext": {},
        },
    )
    for name in ("initContainers", "containers"):
        for container in entries(spec, name):
            _container(container)
    for volume in entries(spec, "volumes"):
        for source in ("configMap", "secret"):
            if isinstance(volume.get(source), dict):
                _fill(section(volume, source), {"defaultMode": 420})


def _container(container: JsonObject) -> None:
    image = Tree(container).text("image")
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    _fill(
        container,
        {
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "Always" if tag in ("", "latest") and "@" not in image else "IfNotPresent",
        },
    )
    for port in entries(container, "ports"):
        _fill(port, {"protocol": "TCP"})
    for name in _PROBES:
        probe = container.get(name)
        if isinstance(probe, dict):
            _probe(probe)
    for variable in entries(container, "env"):
        field = Tree(variable).at("valueFrom", "fieldRef")
        if isinstance(field, dict):
            _fill(field, {"apiVersion": "v1"})
    limits = Tree(container).at("resources", "limits")
    if isinstance(limits, dict) and limits:
        requests = section(container, "resources", "requests")
        for resource, value in limits.items():
            _fill(requests, {resource: value})


def _probe(probe: JsonObject) -> None:
    _fill(probe, {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3})
    if isinstance(probe.get("httpGet"), dict):
        _fill(section(probe, "httpGet"), {"path": "/", "scheme": "HTTP"})


def _service(spec: JsonObject) -> None:
    _fill(spec, {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"})
    _fill(spec, {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"})
    for port in entries(spec, "ports"):
        _fill(port, {"protocol": "TCP"})
        target: Json = port.get("port")
        _fill(port, {"targetPort": target})
