"""The columns of everything that runs no pods, as the API server's own printers fill them."""

from __future__ import annotations

from datetime import datetime

from kubernaut.domain.objects import Json, KubeObject, Tree
from kubernaut.sandbox.rest.cells import NONE, Cells, age, joined, labels, modes, or_none, selector, word

_MOST_ENDPOINTS = 3
_ROLE = "node-role.kubernetes.io/"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def _service(item: KubeObject, now: datetime) -> list[Json]:
    spec = item.tree("spec")
    ports = joined(
        f"{port.integer('port')}{':' + str(port.integer('nodePort')) if port.integer('nodePort') else ''}"
        f"/{port.text('protocol') or 'TCP'}"
        for port in spec.trees("ports")
    )
    address = or_none(spec.text("clusterIP"))
    return [
        spec.text("type"), address, _external(item), ports, age(item.created_at, now), labels(spec.mapping("selector")),
    ]  # fmt: skip


def _external(item: KubeObject) -> str:
    match item.text("spec", "type"):
        case "LoadBalancer":
            given = [one.text("ip") or one.text("hostname") for one in item.trees("status", "loadBalancer", "ingress")]
            return ",".join(given) or "<pending>"
        case "ExternalName":
            return item.text("spec", "externalName")
        case _:
            return joined(item.texts("spec", "externalIPs"))


def _endpoints(item: KubeObject, now: datetime) -> list[Json]:
    found = [
        f"{address.text('ip')}:{port.integer('port')}"
        for subset in item.trees("subsets")
        for port in subset.trees("ports")
        for address in subset.trees("addresses")
    ]
    return [_few(found, " + {} more..."), age(item.created_at, now)]


def _few(found: list[str], rest: str) -> str:
    shown = ",".join(found[:_MOST_ENDPOINTS])
    return shown + rest.format(len(found) - _MOST_ENDPOINTS) if len(found) > _MOST_ENDPOINTS else or_none(shown)


def _endpoint_slice(item: KubeObject, now: datetime) -> list[Json]:
    ports = _few([word(port.at("port")) for port in item.trees("ports")], " + {} more...")
    hosts = [host for endpoint in item.trees("endpoints") for host in endpoint.texts("addresses")]
    unset = "<unset>"
    return [
        item.text("addressType"), ports if item.trees("ports") else unset,
        _few(hosts, " + {} more...") if hosts else unset, age(item.created_at, now),
    ]  # fmt: skip


def _node(item: KubeObject, now: datetime) -> list[Json]:
    ready = item.condition("Ready")
    shown = "Unknown" if ready is None else "Ready" if ready.text("status") == "True" else "NotReady"
    shown += ",SchedulingDisabled" if item.flag("spec", "unschedulable") else ""
    roles = joined(sorted(key.removeprefix(_ROLE) for key in item.labels if key.startswith(_ROLE)))
    system = item.tree("status", "nodeInfo")
    addresses = {one.text("type"): one.text("address") for one in item.trees("status", "addresses")}
    made, version = age(item.created_at, now), system.text("kubeletVersion")
    return [
        shown, roles, made, version, or_none(addresses.get("InternalIP", "")),
        or_none(addresses.get("ExternalIP", "")), system.text("osImage") or "<unknown>",
        system.text("kernelVersion") or "<unknown>", system.text("containerRuntimeVersion") or "<unknown>",
    ]  # fmt: skip


def _event(item: KubeObject, now: datetime) -> list[Json]:
    begun = item.time("firstTimestamp") or item.time("eventTime")
    last = item.time("series", "lastObservedTime") or item.time("lastTimestamp") or begun
    involved = item.tree("involvedObject")
    about = f"{involved.text('kind').lower()}/{involved.text('name')}"
    parts = [item.text("source", "component") or item.text("reportingComponent"), item.text("source", "host")]
    count = item.integer("series", "count") or item.integer("count") or 1
    return [
        age(last, now), item.text("type"), item.text("reason"), about, involved.text("fieldPath"),
        ", ".join(part for part in parts if part), item.text("message").strip(), age(begun, now), count, item.name,
    ]  # fmt: skip


def _namespace(item: KubeObject, now: datetime) -> list[Json]:
    return [item.text("status", "phase"), age(item.created_at, now)]


def _config_map(item: KubeObject, now: datetime) -> list[Json]:
    return [len(item.mapping("data")) + len(item.mapping("binaryData")), age(item.created_at, now)]


def _secret(item: KubeObject, now: datetime) -> list[Json]:
    return [item.text("type") or "Opaque", len(item.mapping("data")), age(item.created_at, now)]


def _account(item: KubeObject, now: datetime) -> list[Json]:
    return [len(item.trees("secrets")), age(item.created_at, now)]


def _claim(item: KubeObject, now: datetime) -> list[Json]:
    spec, status = item.tree("spec"), item.tree("status")
    phase = "Terminating" if item.has("metadata", "deletionTimestamp") else status.text("phase")
    bound = spec.text("volumeName")
    size = status.text("capacity", "storage") if bound else ""
    return [
        phase, bound, size, modes(status, "accessModes") if bound else "",
        spec.text("storageClassName"), "<unset>", age(item.created_at, now), spec.text("volumeMode") or "<unset>",
    ]  # fmt: skip


def _volume(item: KubeObject, now: datetime) -> list[Json]:
    spec, claim = item.tree("spec"), item.tree("spec", "claimRef")
    phase = "Terminating" if item.has("metadata", "deletionTimestamp") else item.text("status", "phase")
    owner = f"{claim.text('namespace')}/{claim.text('name')}" if claim.raw else ""
    return [
        spec.text("capacity", "storage"), modes(spec, "accessModes"), spec.text("persistentVolumeReclaimPolicy"), phase,
        owner, spec.text("storageClassName"), "<unset>", item.text("status", "reason"), age(item.created_at, now),
        spec.text("volumeMode") or "<unset>",
    ]  # fmt: skip


def _storage_class(item: KubeObject, now: datetime) -> list[Json]:
    expands = word(item.flag("allowVolumeExpansion"))
    policy, binding = item.text("reclaimPolicy") or "Delete", item.text("volumeBindingMode") or "Immediate"
    return [item.text("provisioner"), policy, binding, expands, age(item.created_at, now)]


def _autoscaler(item: KubeObject, now: datetime) -> list[Json]:
    spec, status = item.tree("spec"), item.tree("status")
    aim = spec.tree("scaleTargetRef")
    current = {one.text("resource", "name"): one.tree("resource", "current") for one in status.trees("currentMetrics")}
    shown = []
    for metric in spec.trees("metrics"):
        name, wanted = metric.text("resource", "name"), metric.tree("resource", "target")
        shown.append(f"{name}: {_amount(current.get(name))}/{_amount(wanted)}")
    return [
        f"{aim.text('kind')}/{aim.text('name')}", ", ".join(shown) or "<none>", word(spec.at("minReplicas"), "<unset>"),
        spec.integer("maxReplicas"), status.integer("currentReplicas"), age(item.created_at, now),
    ]  # fmt: skip


def _amount(value: Tree | None) -> str:
    if value is None or not value.raw:
        return "<unknown>"
    share = value.at("averageUtilization")
    return f"{share}%" if share is not None else word(value.at("averageValue"), "<unknown>")


def _budget(item: KubeObject, now: datetime) -> list[Json]:
    least, most = word(item.at("spec", "minAvailable"), "N/A"), word(item.at("spec", "maxUnavailable"), "N/A")
    return [least, most, item.integer("status", "disruptionsAllowed"), age(item.created_at, now)]


def _ingress(item: KubeObject, now: datetime) -> list[Json]:
    hosts = ",".join(rule.text("host") for rule in item.trees("spec", "rules") if rule.text("host")) or "*"
    given = [one.text("ip") or one.text("hostname") for one in item.trees("status", "loadBalancer", "ingress")]
    ports = "80, 443" if item.trees("spec", "tls") else "80"
    shown_class = or_none(item.text("spec", "ingressClassName"))
    return [shown_class, hosts, ",".join(given), ports, age(item.created_at, now)]


def _network_policy(item: KubeObject, now: datetime) -> list[Json]:
    return [selector(item.tree("spec", "podSelector")), age(item.created_at, now)]


def _quota(item: KubeObject, now: datetime) -> list[Json]:
    used = item.mapping("status", "used")
    shown = {
        name: f"{name}: {used.get(name, '0')}/{limit}" for name, limit in sorted(item.mapping("status", "hard").items())
    }
    limits = [text for name, text in shown.items() if name.startswith("limits.")]
    requests = [text for name, text in shown.items() if not name.startswith("limits.")]
    return [", ".join(requests), ", ".join(limits), age(item.created_at, now)]


def _priority_class(item: KubeObject, now: datetime) -> list[Json]:
    policy = item.text("preemptionPolicy") or "PreemptLowerPriority"
    return [item.integer("value"), word(item.flag("globalDefault")), age(item.created_at, now), policy]


def _lease(item: KubeObject, now: datetime) -> list[Json]:
    return [item.text("spec", "holderIdentity"), age(item.created_at, now)]


def _revision(item: KubeObject, now: datetime) -> list[Json]:
    owner = item.controller
    about = f"{owner.kind.lower()}.apps/{owner.name}" if owner else NONE
    return [about, item.integer("revision"), age(item.created_at, now)]


def _webhooks(item: KubeObject, now: datetime) -> list[Json]:
    return [len(item.trees("webhooks")), age(item.created_at, now)]


def _made(item: KubeObject, _: datetime) -> list[Json]:
    return [item.text("metadata", "creationTimestamp")]


def _binding(item: KubeObject, now: datetime) -> list[Json]:
    return [f"{item.text('roleRef', 'kind')}/{item.text('roleRef', 'name')}", age(item.created_at, now)]


def _any(item: KubeObject, now: datetime) -> list[Json]:
    return [age(item.created_at, now)]


def name_of(kind: str, item: KubeObject) -> str:
    """The name, with what stands beside it in the table."""
    is_default = kind == "storageclasses.storage.k8s.io" and item.annotations.get(_DEFAULT_CLASS) == "true"
    return f"{item.name} (default)" if is_default else item.name


EVENTS = (
    *("Last Seen", "Type", "Reason", "Object", "*Subobject", "*Source", "Message"), *("*First Seen", "*Count", "*Name"),
)  # fmt: skip
OTHERS = (("Age",), _any)
COLUMNS: dict[str, tuple[tuple[str, ...], Cells]] = {
    "services": (("Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "*Selector"), _service),
    "endpoints": (("Endpoints", "Age"), _endpoints),
    "endpointslices.discovery.k8s.io": (("AddressType", "Ports", "Endpoints", "Age"), _endpoint_slice),
    "nodes": (
        (
            *("Status", "Roles", "Age", "Version", "*Internal-IP", "*External-IP", "*OS-Image", "*Kernel-Version"),
            "*Container-Runtime",
        ),
        _node,
    ),
    "events": (EVENTS, _event),
    "namespaces": (("Status", "Age"), _namespace),
    "configmaps": (("Data", "Age"), _config_map),
    "secrets": (("Type", "Data", "Age"), _secret),
    "serviceaccounts": (("Secrets", "Age"), _account),
    "persistentvolumeclaims": (
        (
            *("Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age"),
            "*VolumeMode",
        ),
        _claim,
    ),
    "persistentvolumes": (
        (
            *("Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass", "VolumeAttributesClass"),
            *("Reason", "Age", "*VolumeMode"),
        ),
        _volume,
    ),
    "storageclasses.storage.k8s.io": (
        ("Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"),
        _storage_class,
    ),
    "horizontalpodautoscalers.autoscaling": (
        ("Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"),
        _autoscaler,
    ),
    "poddisruptionbudgets.policy": (("Min Available", "Max Unavailable", "Allowed Disruptions", "Age"), _budget),
    "ingresses.networking.k8s.io": (("Class", "Hosts", "Address", "Ports", "Age"), _ingress),
    "networkpolicies.networking.k8s.io": (("Pod-Selector", "Age"), _network_policy),
    "resourcequotas": (("Request", "Limit", "Age"), _quota),
    "limitranges": (("Created At",), _made),
    "priorityclasses.scheduling.k8s.io": (("Value", "Global-Default", "Age", "PreemptionPolicy"), _priority_class),
    "leases.coordination.k8s.io": (("Holder", "Age"), _lease),
    "controllerrevisions.apps": (("Controller", "Revision", "Age"), _revision),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": (("Webhooks", "Age"), _webhooks),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": (("Webhooks", "Age"), _webhooks),
    "roles.rbac.authorization.k8s.io": (("Created At",), _made),
    "clusterroles.rbac.authorization.k8s.io": (("Created At",), _made),
    "rolebindings.rbac.authorization.k8s.io": (("Role", "Age"), _binding),
    "clusterrolebindings.rbac.authorization.k8s.io": (("Role", "Age"), _binding),
}
