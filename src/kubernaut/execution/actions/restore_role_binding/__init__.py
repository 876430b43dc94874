"""Binds an account again to a Role of its namespace that it was bound to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef, Tree
from kubernaut.domain.ownership import keeper_of
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.targets import creation, find
from kubernaut.resources import ROLE_BINDING

_GROUP = "rbac.authorization.k8s.io"
_NAME = r"^[a-z0-9]([-a-z0-9.:]{0,251}[a-z0-9])?$"
_POWERS = frozenset({"*", "escalate", "bind", "impersonate"})


class BindingParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """The Role, and the name that the binding had."""

    role: Annotated[str, Meta(pattern=_NAME, description="a Role of the account's namespace")]
    binding: Annotated[str, Meta(pattern=_NAME, description="the name of the RoleBinding that is missing")]


async def prepare(on: Situation[BindingParameters]) -> Prepared | Refused:
    """A RoleBinding of that one account to that one Role, in its own namespace."""
    account = await find(on)
    if isinstance(account, Refused):
        return account
    place, wanted = account.namespace, on.parameters
    role = await on.reader.get(ObjectRef(f"{_GROUP}/v1", "Role", place, wanted.role))
    if role is None:
        return Refused("role_missing", f"{place} has no Role {wanted.role}; its rules are recorded nowhere")
    refusal = _kept(role) or _too_wide(role)
    if refusal:
        return refusal
    bindings = (await on.reader.list(ROLE_BINDING, place)).items
    if _bound(bindings, account, wanted.role):
        return Refused("no_effect", f"{account.ref} is bound to Role {wanted.role} already")
    if any(each.name == wanted.binding for each in bindings):
        return Refused("name_taken", f"{place} has a RoleBinding {wanted.binding}, for others")
    target = ObjectRef(f"{_GROUP}/v1", "RoleBinding", place, wanted.binding)
    body: JsonObject = {
        "metadata": {},
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": wanted.role},
        "subjects": [{"kind": "ServiceAccount", "name": account.name, "namespace": place}],
    }
    reach = f"1 account gets {len(role.trees('rules'))} rules of Role {wanted.role} in namespace {place}"
    return Prepared(None, creation(target, body, on.now, account.uid), reach)


def _kept(role: KubeObject) -> Refused | None:
    # Whoever keeps the Role keeps its bindings, too, and would take a foreign one for drift.
    owner = keeper_of(role) or role.controller
    return Refused("owned", f"{role.ref} is owned by {owner}; propose the change to its owner") if owner else None


def _too_wide(role: KubeObject) -> Refused | None:
    rules = role.trees("rules")
    if rules and not any(_is_wide(rule) for rule in rules):
        return None
    return Refused("too_wide", f"{role.ref} has no rule, or one with a wildcard or with power over roles")


def _is_wide(rule: Tree) -> bool:
    named = {*rule.texts("verbs"), *rule.texts("resources"), *rule.texts("apiGroups")}
    return bool(_POWERS & named)


def _bound(bindings: Sequence[KubeObject], account: KubeObject, role: str) -> bool:
    for binding in bindings:
        names = {
            (subject.text("kind"), subject.text("name"), subject.text("namespace") or binding.namespace)
            for subject in binding.trees("subjects")
        }
        same = (binding.text("roleRef", "kind"), binding.text("roleRef", "name")) == ("Role", role)
        if same and ("ServiceAccount", account.name, account.namespace) in names:
            return True
    return False


ACTION = Action[BindingParameters](
    id=ActionId("restore_role_binding"),
    summary="binds an account again to a Role of its namespace",
    targets=("ServiceAccount",),
    parameters=BindingParameters,
    when="a program is refused what it was allowed, its Role stands, and the binding is gone",
    never="a ClusterRole, a Role with wildcards or with power over roles, or another namespace; always with approval",
    before="the account and the Role exist; the Role is narrow; they are not bound; the name is free; owner free",
    risk=Risk.HIGH,
    undo="the RoleBinding is deleted again, as long as nobody changed it",
    approval=True,
    reads=(
        Rule("", "serviceaccounts", ("get",)),
        Rule(_GROUP, "roles", ("get",)),
        Rule(_GROUP, "rolebindings", ("get", "list")),
    ),
    # The API server lets nobody give rights that he lacks himself, unless he may bind the role.
    writes=(Rule(_GROUP, "rolebindings", ("create", "delete")), Rule(_GROUP, "roles", ("bind",))),
    prepare=prepare,
)
