"""Webhooks that are asked, claims that get a volume or none, and controllers that have stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.controllers.scheduling import Scheduler
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import BY_NAME, CLAIM, DEPLOYMENT, EVENT, NAMESPACE, POD
from kubernaut.sandbox.scenarios import prepare_system
from kubernaut.sandbox.shapes import section
from kubernaut.sandbox.universe import Universe

PERSON = By("kubectl")
VOLUME = BY_NAME["v1", "PersistentVolume"]
VALIDATING = BY_NAME["admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"]


class World:
    def __init__(self, *apps: str) -> None:
        self.clock = SteppedClock()
        self.universe = Universe(self.clock)
        if apps:
            prepare_system(self.universe, *apps)
        self.cluster = self.universe.cluster
        self.after(3)

    def after(self, minutes: float) -> None:
        self.universe.simulation.run_until(self.clock, self.clock.now() + timedelta(minutes=minutes))

    def pod(self, name: str, namespace: str = "shop") -> JsonObject:
        body: JsonObject = {"metadata": {"name": name}, "spec": {"containers": [{"name": "a", "image": "x"}]}}
        return self.cluster.create(POD, namespace, body, PERSON)

    def claim(self, size: str, storage_class: str | None) -> str:
        spec: JsonObject = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        if storage_class is not None:
            spec["storageClassName"] = storage_class
        self.cluster.create(CLAIM, "default", {"metadata": {"name": "records"}, "spec": spec}, PERSON)
        self.after(0.1)
        found = self.cluster.find(CLAIM, "default", "records")
        return found.text("status", "phase") if found else ""

    def said(self) -> set[str]:
        return {event.text("reason") for event in self.cluster.storage.views(EVENT, "default")}


def hook(service: str, **fields: object) -> JsonObject:
    entry: JsonObject = {
        "name": "pods.example.com",
        "clientConfig": {"service": {"namespace": "shop", "name": service, "port": 80}, "caBundle": "b3Vycw=="},
        "rules": [{"apiGroups": [""], "operations": ["CREATE"], "resources": ["pods"]}],
        "failurePolicy": "Fail",
        "timeoutSeconds": 5,
    }
    return {"metadata": {"name": "policy"}, "webhooks": [{**entry, **fields}]}  # type: ignore[dict-item]


def test_a_webhook_that_answers_admits_the_object() -> None:
    world = World("checkout")
    world.cluster.create(VALIDATING, "", hook("checkout"), PERSON)
    assert world.pod("one")


@pytest.mark.parametrize(
    ("service", "authority", "answer_s", "why"),
    [
        ("nobody", "", 0, 'service "nobody" not found'),
        ("checkout", "dGhlaXJz", 0, "x509: certificate signed by unknown authority"),
        ("checkout", "", 8, "context deadline exceeded"),
    ],
)
def test_a_webhook_that_cannot_be_asked_lets_nothing_in(
    service: str, authority: str, answer_s: float, why: str
) -> None:
    world = World("checkout")
    world.cluster.webhooks.authority = authority
    world.cluster.webhooks.answer_s["shop", "checkout"] = answer_s
    world.cluster.create(VALIDATING, "", hook(service), PERSON)
    with pytest.raises(Failure, match="failed calling webhook") as refused:
        world.pod("one")
    assert why in str(refused.value)
    assert refused.value.http_code == 500


def test_a_webhook_whose_pods_are_gone_lets_nothing_in() -> None:
    world = World("checkout")
    world.cluster.change(DEPLOYMENT, "shop", "checkout", lambda item: section(item, "spec").update(replicas=0), PERSON)
    world.after(1)
    world.cluster.create(VALIDATING, "", hook("checkout"), PERSON)
    with pytest.raises(Failure, match='no endpoints available for service "checkout"'):
        world.pod("one")


def test_a_webhook_that_fails_open_lets_everything_in() -> None:
    world = World("checkout")
    world.cluster.create(VALIDATING, "", hook("nobody", failurePolicy="Ignore"), PERSON)
    assert world.pod("one")


def test_a_webhook_is_asked_only_about_the_namespaces_that_it_selects() -> None:
    world = World("checkout")
    world.cluster.create(NAMESPACE, "", {"metadata": {"name": "calm"}}, PERSON)
    world.after(0.1)
    elsewhere: JsonObject = {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}
    world.cluster.create(VALIDATING, "", hook("nobody", namespaceSelector=elsewhere), PERSON)
    assert world.pod("one", "calm")
    with pytest.raises(Failure):
        world.pod("one", "shop")


def test_a_claim_without_a_class_gets_a_volume_at_once() -> None:
    assert World().claim("5Gi", None) == "Bound"


def test_a_claim_of_a_class_that_is_not_there_waits_and_says_why() -> None:
    world = World()
    assert world.claim("5Gi", "fast") == "Pending"
    assert "ProvisioningFailed" in world.said()


@pytest.mark.parametrize(("size", "phase"), [("5Gi", "Bound"), ("50Gi", "Pending")])
def test_a_claim_for_volumes_made_by_hand_gets_one_that_is_large_enough(size: str, phase: str) -> None:
    world = World()
    spec: JsonObject = {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"]}
    world.cluster.create(VOLUME, "", {"metadata": {"name": "disk"}, "spec": spec}, PERSON)
    assert world.claim(size, "") == phase
    assert ("FailedBinding" in world.said()) is (phase == "Pending")


def test_without_a_scheduler_no_pod_gets_a_node_and_nobody_says_so() -> None:
    world = World()
    world.universe.simulation.stop(Scheduler)
    world.pod("one", "default")
    world.after(5)
    pod = world.cluster.find(POD, "default", "one")
    assert pod is not None
    assert not pod.has("spec", "nodeName")
    assert "FailedScheduling" not in world.said()


def test_a_recreated_deployment_is_made_anew_as_soon_as_the_last_pod_is_gone() -> None:
    world = World("checkout")

    def edit(item: JsonObject) -> None:
        section(item, "spec")["strategy"] = {"type": "Recreate"}
        section(item, "spec", "template", "metadata", "annotations")["turn"] = "two"

    world.cluster.change(DEPLOYMENT, "shop", "checkout", edit, PERSON)
    world.after(1)
    found = world.cluster.find(DEPLOYMENT, "shop", "checkout")
    assert found is not None
    assert found.integer("status", "availableReplicas") == 3
