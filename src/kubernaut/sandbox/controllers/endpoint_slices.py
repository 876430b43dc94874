"""The EndpointSlice controller: which pods stand behind a Service, and whether they are ready."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import zip_longest

from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.domain.selectors import equals, matches
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.kinds import ENDPOINT_SLICE, POD, SERVICE
from kubernaut.sandbox.shapes import encoded, section
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

_SERVICE_LABEL = "kubernetes.io/service-name"


class EndpointSlices:
    """Keeps the slices of each Service that has a selector."""

    watches = frozenset({SERVICE.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def affected(self, change: Change) -> Iterable[Key]:
        """The Service, or each that selects the pod as it was or is."""
        view = change.stored.view
        if change.kind is SERVICE:
            return [pods.key_of(view)]
        labels = [stored.view.labels for stored in (change.stored, change.before) if stored]
        return [
            pods.key_of(service)
            for service in self._cluster.storage.views(SERVICE, view.namespace)
            if (wanted := service.mapping("spec", "selector")) and any(matches(equals(wanted), each) for each in labels)
        ]

    def reconcile(self, key: Key, now: datetime) -> datetime | None:  # noqa: ARG002  # nothing here waits
        """Writes the slices of the Service: one for each list of ports that its pods give."""
        service = self._cluster.find(SERVICE, *key)
        if service is None or not service.mapping("spec", "selector"):
            return None
        slices = [
            item
            for item in pods.owned_by(self._cluster, ENDPOINT_SLICE, service)
            if item.labels.get(_SERVICE_LABEL) == service.name
        ]
        wanted = _contents(service, self._selected(service))
        for contents, present in zip_longest(wanted, slices):
            if contents is None:
                self._cluster.delete(ENDPOINT_SLICE, service.namespace, present.name, pods.CONTROLLER)
            elif present is None:
                self._create(service, contents)
            elif any(present.at(field) != value for field, value in contents.items()):
                self._rewrite(present, contents)
        return None

    def _rewrite(self, present: KubeObject, contents: JsonObject) -> None:
        def edit(draft: JsonObject) -> None:
            draft.update(contents)

        self._cluster.change(ENDPOINT_SLICE, present.namespace, present.name, edit, pods.CONTROLLER)

    def _selected(self, service: KubeObject) -> list[KubeObject]:
        selector = equals(service.mapping("spec", "selector"))
        found = [
            pod
            for pod in self._cluster.storage.views(POD, service.namespace)
            if matches(selector, pod.labels)
            and pod.text("status", "podIP")
            and pod.text("status", "phase") not in ("Succeeded", "Failed")
        ]
        return sorted(found, key=lambda pod: pod.name)

    def _create(self, service: KubeObject, contents: JsonObject) -> None:
        metadata: JsonObject = {
            "generateName": f"{service.name}-",
            "ownerReferences": [pods.owner_reference(service)],
            "labels": {
                **service.labels,
                _SERVICE_LABEL: service.name,
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
        }
        item: JsonObject = {"metadata": metadata, "addressType": "IPv4", **contents}
        section(item, "metadata")
        self._cluster.create(ENDPOINT_SLICE, service.namespace, item, pods.CONTROLLER)


def _contents(service: KubeObject, chosen: list[KubeObject]) -> list[JsonObject]:
    """What each slice holds. A pod that lacks a named port is in a slice without that port."""
    publish = service.flag("spec", "publishNotReadyAddresses")
    grouped: dict[bytes, JsonObject] = {}
    for pod in chosen:
        ports: list[Json] = [
            {"name": port.text("name"), "port": number, "protocol": port.text("protocol") or "TCP"}
            for port in service.trees("spec", "ports")
            if (number := target_number(port, pod))
        ]
        group = grouped.setdefault(encoded(ports), {"endpoints": [], "ports": ports})
        listed = group["endpoints"]
        if isinstance(listed, list):
            listed.append(_endpoint(pod, publish=publish))
    return [*grouped.values()] or [{"endpoints": [], "ports": []}]


def target_number(port: Tree, pod: KubeObject) -> int:
    """The number of the port that the Service sends to on that pod, 0 where the pod has no port of that name."""
    target = port.at("targetPort")
    if isinstance(target, int):
        return target
    if isinstance(target, str) and target.isdigit():
        return int(target)
    for container in pod.trees("spec", "containers"):
        for declared in container.trees("ports"):
            if declared.text("name") == target and declared.text("protocol") == (port.text("protocol") or "TCP"):
                return declared.integer("containerPort")
    return 0


def _endpoint(pod: KubeObject, *, publish: bool) -> JsonObject:
    terminating = pods.is_terminating(pod)
    serving = pods.is_ready(pod)
    return {
        "addresses": [pod.text("status", "podIP")],
        "conditions": {
            "ready": (serving and not terminating) or publish,
            "serving": serving,
            "terminating": terminating,
        },
        "nodeName": pod.text("spec", "nodeName"),
        "targetRef": {"kind": "Pod", "name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
    }
