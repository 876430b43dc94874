"""Ingresses, Services and network policies around a workload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.investigation.naming import Named, named
from kubernaut.investigation.scene import Scene

_CLASS = "kubernetes.io/ingress.class"


@dataclass(frozen=True, slots=True)
class Backend:
    """One way of an Ingress to a Service: `port` is the number or the name that is written, `where` host and path."""

    ingress: KubeObject
    service: str
    port: str
    where: str
    path: str


def backends_of(ingress: KubeObject) -> list[Backend]:
    """The Services that the Ingress leads to, the default one last."""
    found = []
    for index, rule in enumerate(ingress.trees("spec", "rules")):
        for place, entry in enumerate(rule.trees("http", "paths")):
            where = f"{rule.text('host') or '*'}{entry.text('path') or '/'}"
            path = f"spec.rules[{index}].http.paths[{place}].backend.service"
            found.append(_backend(ingress, entry.tree("backend", "service"), where, path))
    default = ingress.tree("spec", "defaultBackend", "service")
    found.append(_backend(ingress, default, "everything else", "spec.defaultBackend.service"))
    return [backend for backend in found if backend.service]


def _backend(ingress: KubeObject, service: Tree, where: str, path: str) -> Backend:
    port = service.text("port", "name") or str(service.integer("port", "number") or "")
    return Backend(ingress, service.text("name"), port, where, path)


def ways_to(scene: Scene, service: KubeObject) -> list[Backend]:
    """The ways of the namespace's Ingresses to the Service."""
    ingresses = scene.all("Ingress", service.namespace)
    return [backend for item in ingresses for backend in backends_of(item) if backend.service == service.name]


def ingress_class_of(scene: Scene, ingress: KubeObject) -> Named | None:
    """The class that the Ingress names; None where it leaves that to the default."""
    name, path = ingress.text("spec", "ingressClassName"), "spec.ingressClassName"
    if not name:
        name, path = ingress.annotations.get(_CLASS, ""), f"metadata.annotations[{_CLASS}]"
    return named(scene, "IngressClass", "", name, path) if name else None


def services_reaching(scene: Scene, namespace: str, labels: Mapping[str, str]) -> list[KubeObject]:
    """The Services whose selector pods with these labels carry."""
    found = []
    for item in scene.all("Service", namespace):
        selector = item.mapping("spec", "selector")
        if selector and selector.items() <= labels.items():
            found.append(item)
    return found


def policies_on(scene: Scene, namespace: str, labels: Mapping[str, str], direction: str = "") -> list[KubeObject]:
    """The network policies that select pods with these labels, of one direction (`Ingress`, `Egress`) where given."""
    return [
        item
        for item in scene.all("NetworkPolicy", namespace)
        if matches(selector_of(item.tree("spec", "podSelector")), labels)
        and (not direction or direction in directions_of(item))
    ]


def directions_of(policy: KubeObject) -> frozenset[str]:
    """What the policy restricts; one that does not say so restricts ingress, and egress where it has such rules."""
    said = policy.texts("spec", "policyTypes")
    return frozenset(said or (["Ingress", "Egress"] if policy.has("spec", "egress") else ["Ingress"]))


def admits(policy: KubeObject, labels: Mapping[str, str], namespace: KubeObject | None) -> bool:
    """Whether one of its ingress rules lets pods with these labels in, from that namespace, on whatever port."""
    return any(
        not rule.trees("from") or any(_is_peer(peer, policy, labels, namespace) for peer in rule.trees("from"))
        for rule in policy.trees("spec", "ingress")
    )


def _is_peer(peer: Tree, policy: KubeObject, labels: Mapping[str, str], namespace: KubeObject | None) -> bool:
    # Whose address a block holds is not known here: such a rule may be meant for them.
    if peer.has("ipBlock"):
        return True
    if peer.has("podSelector") and not matches(selector_of(peer.tree("podSelector")), labels):
        return False
    if not peer.has("namespaceSelector"):
        return namespace is not None and namespace.name == policy.namespace
    worn = namespace.labels if namespace else {}
    return matches(selector_of(peer.tree("namespaceSelector")), worn)


def allows_nothing(policy: KubeObject, direction: str) -> bool:
    """Whether the policy has no rule at all for a direction that it restricts."""
    return direction in directions_of(policy) and not policy.trees("spec", direction.lower())
