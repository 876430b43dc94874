"""Who asks, and whether the roles in the cluster allow it. Both are off unless the sandbox was given tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING

ADMIN = "kubernetes-admin"
_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody wants to do."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """Bearer tokens with the user each stands for; without any, everybody is the administrator."""

    tokens: Mapping[str, str] = field(default_factory=dict)

    def user_of(self, headers: Mapping[str, str]) -> str:
        """The user; raises a 401 failure."""
        if not self.tokens:
            return ADMIN
        scheme, _, token = headers.get("authorization", "").partition(" ")
        user = self.tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise Failure(401, "Unauthorized", "Unauthorized")
        return user


def is_allowed(cluster: Cluster, user: str, attempt: Attempt) -> bool:
    """Whether a role bound to the user allows it; the administrator may do anything."""
    # As `system:basic-user` has it: everybody may ask what he may.
    if user == ADMIN or (attempt.verb, attempt.resource) == ("create", "selfsubjectaccessreviews"):
        return True
    return any(_rule_allows(rule, attempt) for rule in _rules_for(cluster, user, attempt.namespace))


def check_allowed(cluster: Cluster, user: str, attempt: Attempt) -> None:
    """Raises the 403 failure where it is not allowed."""
    if is_allowed(cluster, user, attempt):
        return
    resource = f"{attempt.resource}/{attempt.subresource}" if attempt.subresource else attempt.resource
    where = f'in the namespace "{attempt.namespace}"' if attempt.namespace else "at the cluster scope"
    whole = f"{attempt.resource}.{attempt.group}" if attempt.group else attempt.resource
    name = f' "{attempt.name}"' if attempt.name else ""
    message = (
        f'{whole}{name} is forbidden: User "{user}" cannot {attempt.verb} resource "{resource}" in API group '
        f'"{attempt.group}" {where}'
    )
    raise Failure(403, "Forbidden", message, {"kind": attempt.resource, "group": attempt.group, "name": attempt.name})


def _rules_for(cluster: Cluster, user: str, namespace: str) -> Iterator[Tree]:
    for binding in cluster.storage.views(CLUSTER_ROLE_BINDING):
        if _binds(binding, user):
            yield from _rules_of(cluster, binding)
    if namespace:
        for binding in cluster.storage.views(ROLE_BINDING, namespace):
            if _binds(binding, user):
                yield from _rules_of(cluster, binding)


def _binds(binding: KubeObject, user: str) -> bool:
    for subject in binding.trees("subjects"):
        name = subject.text("name")
        match subject.text("kind"):
            case "User":
                found = name == user
            case "ServiceAccount":
                found = user == f"{_ACCOUNT}{subject.text('namespace') or binding.namespace}:{name}"
            case "Group":
                account = user.startswith(_ACCOUNT)
                found = name == "system:authenticated" or (name == "system:serviceaccounts" and account)
            case _:
                found = False
        if found:
            return True
    return False


def _rules_of(cluster: Cluster, binding: KubeObject) -> list[Tree]:
    name = binding.text("roleRef", "name")
    if binding.text("roleRef", "kind") == "ClusterRole":
        role = cluster.find(CLUSTER_ROLE, "", name)
    else:
        role = cluster.find(ROLE, binding.namespace, name)
    return role.trees("rules") if role else []


def _rule_allows(rule: Tree, attempt: Attempt) -> bool:
    resource = f"{attempt.resource}/{attempt.subresource}" if attempt.subresource else attempt.resource
    any_sub = f"*/{attempt.subresource}" if attempt.subresource else resource
    names = rule.texts("resourceNames")
    return (
        _has(rule.texts("verbs"), attempt.verb)
        and _has(rule.texts("apiGroups"), attempt.group)
        and (_has(rule.texts("resources"), resource) or any_sub in rule.texts("resources"))
        and (not names or attempt.name in names)
    )


def _has(listed: list[str], value: str) -> bool:
    return "*" in listed or value in listed
