"""The rights that the catalogue asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.errors import ClusterUnavailable
from kubernaut.domain.objects import KubeObject
from kubernaut.execution.catalogue import Rule, discover
from kubernaut.execution.permissions import MissingRight, missing_rights, permissions_of
from kubernaut.execution.preflight import Preflight, find_lacks, in_words
from kubernaut.execution.roles import Account, write_roles

if TYPE_CHECKING:
    from tests.unit.execution.conftest import Shop


def test_rights_to_change_are_apart_from_rights_to_read_and_name_no_wildcard() -> None:
    permissions = permissions_of(discover())
    assert {verb for rule in permissions.reads for verb in rule.verbs} == {"get", "list"}
    assert {verb for rule in permissions.writes for verb in rule.verbs} == {"patch", "delete", "create", "bind"}
    assert Rule("apps", "deployments/scale", ("patch",)) in permissions.writes
    assert Rule("", "pods", ("get", "list")) in permissions.reads
    assert not [rule for rule in (*permissions.reads, *permissions.writes) if rule.resource == "*"]
    assert not [rule for rule in permissions.writes if rule.resource == "secrets"]


def test_only_what_is_enabled_asks_for_rights() -> None:
    permissions = permissions_of(discover().only(frozenset({"restart_pod", "escalate"})))
    assert permissions.writes == (Rule("", "pods", ("delete",)),)


async def test_a_missing_right_names_the_actions_that_need_it(shop: Shop) -> None:
    assert await missing_rights(shop.cluster, discover(), "shop") == ()
    shop.cluster.denied |= {("delete", "pods"), ("patch", "deployments/scale")}
    assert await missing_rights(shop.cluster, discover(), "shop") == (
        MissingRight(Rule("", "pods", ("delete",)), ("delete_evicted_pods", "restart_pod", "rollback_statefulset")),
        MissingRight(Rule("apps", "deployments/scale", ("patch",)), ("restore_replicas", "scale_workload")),
    )


async def test_a_right_that_is_given_in_one_managed_namespace_is_missing_in_the_other(shop: Shop) -> None:
    for name, marks in (
        ("shop", {"kubernaut.ai/managed": "true"}),
        ("pay", {"kubernaut.ai/managed": "true"}),
        ("x", {}),
    ):
        shop.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": marks}})
    only = discover().only(frozenset({"restart_pod"}))
    shop.cluster.denied |= {("delete", "pods")}
    lacks = await find_lacks(shop.cluster, only)
    assert [lack.namespace for lack in lacks] == ["pay", "shop"]
    assert in_words(lacks).startswith("missing: delete pods in pay (restart_pod); delete pods in shop (restart_pod)")
    assert in_words(lacks).endswith("kubernaut rbac render | kubectl apply -f -")


async def test_the_preflight_of_a_cluster_that_does_not_answer_raises_nothing(shop: Shop) -> None:
    class Silent(MemoryCluster):
        async def may(self, *_: object, **__: object) -> bool:
            raise ClusterUnavailable("cannot reach it")

    preflight = Preflight(Silent(), shop.ports.catalogue)
    await preflight.work()
    assert preflight.words == "could not be asked: cannot reach it"


def test_changes_are_bound_in_the_named_namespaces_and_nodes_for_the_cluster() -> None:
    documents = write_roles(discover().only(frozenset({"drain_node"})), Account(), ["shop", "pay"])
    kinds = [(each["kind"], KubeObject(each).namespace) for each in documents]
    assert kinds == [
        ("Role", "pay"), ("RoleBinding", "pay"), ("Role", "shop"), ("RoleBinding", "shop"),
        ("ClusterRole", ""), ("ClusterRoleBinding", ""),
    ]  # fmt: skip
    assert write_roles(discover().only(frozenset({"escalate"})), Account(), ["shop"]) == []
