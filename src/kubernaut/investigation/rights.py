"""What a service account may do, by the roles that are bound to it."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation.scene import Scene

_POWERS = frozenset({"*", "escalate", "bind", "impersonate"})


@dataclass(frozen=True, slots=True)
class Grant:
    """A binding of an account; `role` is None where the role that it names was not seen."""

    binding: KubeObject
    role: KubeObject | None


def grants_of(scene: Scene, namespace: str, account: str) -> list[Grant]:
    """The bindings of the account in its namespace and in the whole cluster, with their roles."""
    bindings = [*scene.all("RoleBinding", namespace), *scene.all("ClusterRoleBinding")]
    return [Grant(item, _role(scene, item)) for item in bindings if _binds(item, namespace, account)]


def _binds(binding: KubeObject, namespace: str, account: str) -> bool:
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"}
    for subject in binding.trees("subjects"):
        name = subject.text("name")
        if subject.text("kind") == "ServiceAccount" and name == account:
            if (subject.text("namespace") or binding.namespace) == namespace:
                return True
        elif subject.text("kind") == "Group" and name in groups:
            return True
    return False


def _role(scene: Scene, binding: KubeObject) -> KubeObject | None:
    kind = binding.text("roleRef", "kind")
    return scene.get(kind, "" if kind == "ClusterRole" else binding.namespace, binding.text("roleRef", "name"))


def allows(grants: list[Grant], verb: str, group: str, resource: str) -> bool:
    """Whether one of the roles gives that right; a rule for single named objects does not count."""
    return any(
        _gives(rule, verb, group, resource)
        for grant in grants
        if grant.role is not None
        for rule in grant.role.trees("rules")
    )


def gives(role: KubeObject, verb: str, group: str, resource: str) -> bool:
    """Whether the role itself names that right, and gives neither everything nor power over roles."""
    wanted = (("verbs", verb), ("apiGroups", group), ("resources", resource))
    named = [each for rule in role.trees("rules") for part, _ in wanted for each in rule.texts(part)]
    return not _POWERS & {*named} and any(
        not rule.texts("resourceNames") and all(value in rule.texts(part) for part, value in wanted)
        for rule in role.trees("rules")
    )


def _gives(rule: Tree, verb: str, group: str, resource: str) -> bool:
    wanted = (("verbs", verb), ("apiGroups", group), ("resources", resource))
    return not rule.texts("resourceNames") and all({value, "*"} & {*rule.texts(part)} for part, value in wanted)
