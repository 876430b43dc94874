"""The bundle that people get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kubernaut.domain.objects import ObjectRef
from kubernaut.execution.actions.collect_diagnostics import Bundle, gather_bundle

if TYPE_CHECKING:
    from tests.unit.execution.conftest import Shop

DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "shop", "checkout")


async def bundle_of(shop: Shop) -> tuple[Bundle, str]:
    kept: list[Bundle] = []

    async def keep(bundle: Bundle) -> None:
        kept.append(bundle)

    bundle = await gather_bundle(shop.cluster, DEPLOYMENT, shop.clock.now(), keep)
    assert kept == [bundle]
    return bundle, msgspec.json.encode(bundle.content).decode()


def broken_pod(shop: Shop, log: str) -> ObjectRef:
    pod = shop.cluster.put(shop.pod("checkout-a", ready=False))
    shop.cluster.logs[pod.ref, "app", False] = log
    return pod.ref


async def test_a_bundle_holds_the_workload_its_pods_their_events_and_logs(shop: Shop) -> None:
    broken_pod(shop, "flag provided but not defined\n")
    for name, about in (("e1", "checkout-a"), ("e2", "unrelated")):
        involved = {"kind": "Pod", "name": about}
        metadata = {"name": name, "namespace": "shop"}
        shop.cluster.put(
            {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": involved, "message": name}  # type: ignore[dict-item]
        )
    bundle, _ = await bundle_of(shop)
    kinds = [item["kind"] for item in bundle.content["objects"]]  # type: ignore[union-attr,index,call-overload]
    assert kinds == ["Deployment", "ReplicaSet", "ReplicaSet", "ReplicaSet", "Pod"]
    assert [event["message"] for event in bundle.content["events"]] == ["e1"]  # type: ignore[union-attr,index,call-overload]
    assert bundle.content["logs"] == {"checkout-a/app": "flag provided but not defined\n"}
    assert bundle.left_out == ()


async def test_secrets_are_taken_out_of_objects_and_logs(shop: Shop) -> None:
    broken_pod(
        shop, "connecting with password=hunter2 to postgres://app:hunter2@db/\nAuthorization: Bearer abcdef123456\n"
    )
    raw = shop.pod("checkout-b", ready=False)
    raw["spec"] = {"containers": [{"name": "app", "env": [{"name": "API_TOKEN", "value": "hunter2"}]}]}
    shop.cluster.put(raw)
    _, text = await bundle_of(shop)
    assert "hunter2" not in text
    assert "abcdef123456" not in text
    assert "API_TOKEN" in text


async def test_a_bundle_is_bounded_and_names_what_did_not_fit(shop: Shop) -> None:
    for index in range(30):
        raw = shop.pod(f"checkout-{index:02}")
        raw["spec"] = {"note": "x" * 100_000, "containers": []}
        shop.cluster.put(raw)
    bundle, text = await bundle_of(shop)
    assert len(text) <= 2**20
    assert "10 more pods" in bundle.left_out
    assert any("the bundle is full" in entry for entry in bundle.left_out)


async def test_what_may_not_be_read_is_named_and_the_rest_is_kept(shop: Shop) -> None:
    shop.cluster.denied.add(("list", "pods"))
    bundle, _ = await bundle_of(shop)
    assert bundle.content["objects"]
    assert any(entry.startswith("pods: forbidden") for entry in bundle.left_out)
