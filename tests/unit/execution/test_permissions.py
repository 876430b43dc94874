"""The rights that the catalogue asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernaut.execution.catalogue import Rule, discover
from kubernaut.execution.permissions import MissingRight, missing_rights, permissions_of

if TYPE_CHECKING:
    from tests.unit.execution.conftest import Shop


def test_rights_to_change_are_apart_from_rights_to_read_and_name_no_wildcard() -> None:
    permissions = permissions_of(discover())
    assert {verb for rule in permissions.reads for verb in rule.verbs} == {"get", "list"}
    assert {verb for rule in permissions.writes for verb in rule.verbs} == {"patch", "delete"}
    assert Rule("apps", "deployments/scale", ("patch",)) in permissions.writes
    assert Rule("", "pods", ("get", "list")) in permissions.reads
    assert not [rule for rule in (*permissions.reads, *permissions.writes) if rule.resource in {"*", "secrets"}]


def test_only_what_is_enabled_asks_for_rights() -> None:
    permissions = permissions_of(discover().only(frozenset({"restart_pod", "escalate"})))
    assert permissions.writes == (Rule("", "pods", ("delete",)),)


async def test_a_missing_right_names_the_actions_that_need_it(shop: Shop) -> None:
    assert await missing_rights(shop.cluster, discover(), "shop") == ()
    shop.cluster.denied |= {("delete", "pods"), ("patch", "deployments/scale")}
    assert await missing_rights(shop.cluster, discover(), "shop") == (
        MissingRight(Rule("", "pods", ("delete",)), ("restart_pod",)),
        MissingRight(Rule("apps", "deployments/scale", ("patch",)), ("restore_replicas", "scale_workload")),
    )
