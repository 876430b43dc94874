"""What is normal in a cluster, looked at every few seconds while it happens: nothing may be proposed for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.domain.objects import JsonObject
from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.sandbox.applications import Misfortune
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import BY_NAME, CONFIG_MAP, DEPLOYMENT, NODE, POD, SERVICE_ACCOUNT
from kubernaut.sandbox.scenarios.manifests import REGISTRY, apply_changed, container_of, delete_pods, scale
from kubernaut.sandbox.shapes import section
from tests.unit.investigation.town import Town

EVERY_S, LOOKS = 10, 24
PERSON = By("kubectl-edit")


def nothing(_town: Town) -> None:
    """A quiet day."""


def new_tag(town: Town) -> None:
    image = f"{REGISTRY}/{town.app.namespace}/{town.app.name}"
    town.universe.world.publish({f"{image}:9.0.0": town.universe.world.images[town.app.image]})
    apply_changed(town.universe.cluster, town.app, lambda item: container_of(item).update(image=f"{image}:9.0.0"))


def slow_new_tag(town: Town) -> None:
    new_tag(town)
    image = f"{REGISTRY}/{town.app.namespace}/{town.app.name}:9.0.0"
    town.universe.world.images[image] = replace(town.universe.world.images[image], startup_s=20)


def pods_deleted(town: Town) -> None:
    delete_pods(town.universe.cluster, town.app)


def fewer(town: Town) -> None:
    scale(town.universe.cluster, town.app, 1)


def more(town: Town) -> None:
    scale(town.universe.cluster, town.app, town.app.replicas + 3)


def restarted(town: Town) -> None:
    def edit(draft: JsonObject) -> None:
        marks = section(draft, "spec", "template", "metadata", "annotations")
        marks["kubectl.kubernetes.io/restartedAt"] = "2026-03-02T09:10:00Z"

    town.universe.cluster.change(DEPLOYMENT, town.app.namespace, town.app.name, edit, PERSON)


def drained(town: Town) -> None:
    def edit(draft: JsonObject) -> None:
        section(draft, "spec")["unschedulable"] = True
        section(draft, "metadata", "annotations")["kubernaut.ai/maintenance"] = "new kernel"

    town.universe.cluster.change(NODE, "", "worker-1", edit, PERSON)
    for pod in town.universe.cluster.storage.views(POD, town.app.namespace):
        if pod.text("spec", "nodeName") == "worker-1":
            town.universe.cluster.delete(POD, pod.namespace, pod.name, PERSON)


def zero_on_purpose(town: Town) -> None:
    def edit(draft: JsonObject) -> None:
        section(draft, "metadata", "annotations")["kubernaut.ai/intended"] = "season is over"

    town.universe.cluster.change(DEPLOYMENT, town.app.namespace, town.app.name, edit, PERSON)
    scale(town.universe.cluster, town.app, 0)


def paused(town: Town) -> None:
    def edit(draft: JsonObject) -> None:
        section(draft, "spec")["paused"] = True

    town.universe.cluster.change(DEPLOYMENT, town.app.namespace, town.app.name, edit, PERSON)
    new_tag(town)


def brief_trouble(town: Town) -> None:
    now = town.clock.now()
    town.universe.strike(town.app.image, Misfortune(now, until=now + timedelta(seconds=25)))


def account_late(town: Town) -> None:
    """The account is made half a minute after the change that names it."""
    wanted: JsonObject = {"serviceAccountName": "clerk"}
    apply_changed(
        town.universe.cluster, town.app, lambda item: section(item, "spec", "template", "spec").update(wanted)
    )
    town.after(0.1)
    town.universe.cluster.create(SERVICE_ACCOUNT, town.app.namespace, {"metadata": {"name": "clerk"}}, PERSON)


def settings_late(town: Town) -> None:
    """The ConfigMap that a change reads is made half a minute after it."""

    def edit(manifest: JsonObject) -> None:
        container_of(manifest)["envFrom"] = [{"configMapRef": {"name": "till-limits"}}]

    apply_changed(town.universe.cluster, town.app, edit)
    town.after(0.5)
    body: JsonObject = {"metadata": {"name": "till-limits"}, "data": {"MOST": "9"}}
    town.universe.cluster.create(CONFIG_MAP, town.app.namespace, body, PERSON)


def wide_bounds(town: Town) -> None:
    limit: JsonObject = {"type": "Container", "max": {"memory": "4Gi"}}
    body: JsonObject = {"metadata": {"name": "sizes"}, "spec": {"limits": [limit]}}
    town.universe.cluster.create(BY_NAME["v1", "LimitRange"], town.app.namespace, body, PERSON)
    delete_pods(town.universe.cluster, town.app)


CONTROLS = [
    *(nothing, new_tag, slow_new_tag, pods_deleted, fewer, more, restarted, drained, zero_on_purpose, paused),
    *(brief_trouble, account_late, settings_late, wide_bounds),
]


@pytest.mark.parametrize("happens", CONTROLS, ids=lambda happens: happens.__name__)
async def test_nothing_is_proposed_for_what_is_normal(happens: Callable[[Town], None]) -> None:
    town = Town("checkout")
    town.after(4)
    happens(town)
    for _ in range(LOOKS):
        town.after(EVERY_S / 60)
        scene = await town.scene(town.deployment)
        for found in (diagnose(scene, town.deployment), *survey(scene)):
            acts = [call.action for one in found.hypotheses for call in one.remedies]
            assert set(acts) <= {"escalate", "collect_diagnostics"}, (found.best, town.clock.now())
