"""The roles that the service's account needs, as objects that `kubectl apply` takes: reading apart from changing.

What is read is bound for the whole cluster, since a cause may lie in any namespace. What is changed is bound in the
namespaces that are named, and for the whole cluster only where none is; what belongs to no namespace (nodes) cannot be
bound otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.execution.catalogue import Catalogue, Rule
from kubernaut.execution.permissions import merged, permissions_of
from kubernaut.resources import RESOURCES, api_group

_API = "rbac.authorization.k8s.io"
_CLUSTER_WIDE = frozenset((api_group(each), each.plural) for each in RESOURCES if not each.namespaced)
READ, WRITE, WRITE_CLUSTER = "kubernaut-read", "kubernaut-write", "kubernaut-write-cluster"


@dataclass(frozen=True, slots=True)
class Account:
    """The service account that the roles are bound to."""

    namespace: str = "kubernaut"
    name: str = "kubernaut"


def investigated() -> tuple[Rule, ...]:
    """What a diagnosis reads."""
    listed = [Rule(api_group(each), each.plural, ("get", "list")) for each in RESOURCES]
    return merged([*listed, Rule("", "pods/log", ("get",))])


def read_roles(catalogue: Catalogue, account: Account) -> list[JsonObject]:
    """What investigation and the actions read, bound for the whole cluster."""
    rules = merged([*investigated(), *permissions_of(catalogue).reads])
    return [_role("ClusterRole", READ, "", rules), _binding("ClusterRoleBinding", READ, "", account)]


def write_roles(catalogue: Catalogue, account: Account, namespaces: Sequence[str]) -> list[JsonObject]:
    """What the actions change, a Role and a binding a namespace, and cluster-wide what belongs to none."""
    rules = permissions_of(catalogue).writes
    inside = [rule for rule in rules if not _is_cluster_wide(rule)]
    outside = [rule for rule in rules if _is_cluster_wide(rule)]
    if not namespaces:
        inside, outside = [], list(rules)
    documents: list[JsonObject] = []
    for namespace in sorted(set(namespaces)) if inside else ():
        documents += [
            _role("Role", WRITE, namespace, inside), _binding("RoleBinding", WRITE, namespace, account)
        ]  # fmt: skip
    if outside:
        documents += [
            _role("ClusterRole", WRITE_CLUSTER, "", outside),
            _binding("ClusterRoleBinding", WRITE_CLUSTER, "", account),
        ]
    return documents


def _is_cluster_wide(rule: Rule) -> bool:
    return (rule.api_group, rule.resource.partition("/")[0]) in _CLUSTER_WIDE


def _role(kind: str, name: str, namespace: str, rules: Iterable[Rule]) -> JsonObject:
    listed: list[Json] = [*_grouped(rules)]
    return {
        "apiVersion": f"{_API}/v1",
        "kind": kind,
        "metadata": _metadata(name, namespace),
        "rules": listed,
    }


def _grouped(rules: Iterable[Rule]) -> Iterator[JsonObject]:
    """One entry a group and set of verbs, so that a person can read it."""
    resources: defaultdict[tuple[str, tuple[str, ...]], list[Json]] = defaultdict(list)
    for rule in rules:
        resources[rule.api_group, rule.verbs].append(rule.resource)
    for (group, verbs), names in resources.items():
        groups: list[Json] = [group]
        yield {"apiGroups": groups, "resources": names, "verbs": [*verbs]}


def _binding(kind: str, name: str, namespace: str, account: Account) -> JsonObject:
    subject: JsonObject = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
    return {
        "apiVersion": f"{_API}/v1",
        "kind": kind,
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": _API, "kind": kind.removesuffix("Binding"), "name": name},
        "subjects": [subject],
    }


def _metadata(name: str, namespace: str) -> JsonObject:
    labels: JsonObject = {"app.kubernetes.io/part-of": "kubernaut"}
    return {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels}
