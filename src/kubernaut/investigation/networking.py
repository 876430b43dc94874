"""Ingresses, Services and network policies around a workload."""

from __future__ import annotations

from collections.abc import Mapping

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.investigation.scene import Scene


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
