"""What rules can ask for around an object, and that asking is what makes it be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubernaut.domain.objects import KubeObject
from kubernaut.domain.ownership import keeper_of
from kubernaut.investigation import heartbeats, limits, networking
from kubernaut.investigation.scene import Scene
from tests.objects import NOW, Part, Parts, deployment, metadata, template
from tests.unit.investigation.scenes import scene_of


def made(api_version: str, kind: str, name: str, namespace: str = "shop", **parts: Part) -> KubeObject:
    return KubeObject({"apiVersion": api_version, "kind": kind, "metadata": metadata(kind, name, namespace), **parts})


def policy(name: str, selector: Parts, **spec: Part) -> KubeObject:
    return made("networking.k8s.io/v1", "NetworkPolicy", name, spec={"podSelector": selector, **spec})


def test_policies_are_found_by_the_labels_of_the_pods_they_restrict() -> None:
    everybody = policy("all", {})
    others = policy("db", {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]})
    out = policy("out", {"matchLabels": {"app": "web"}}, policyTypes=["Egress"])
    scene = scene_of(everybody, others, out)
    assert networking.policies_on(scene, "shop", {"app": "web"}) == [everybody, out]
    assert networking.policies_on(scene, "shop", {"app": "web"}, "Egress") == [out]


def test_the_lease_of_a_node_is_asked_for_where_kubelets_keep_it() -> None:
    lease = made("coordination.k8s.io/v1", "Lease", "worker-2", "kube-node-lease")
    scene = Scene(now=NOW, objects=[lease])
    assert heartbeats.lease_of_node(scene, "worker-2") is lease
    assert heartbeats.lease_of_node(scene, "worker-1") is None
    assert ("Lease", "kube-node-lease") in scene.take_wanted().lists


@pytest.mark.parametrize(
    ("labels", "annotations", "keeper"),
    [
        ({"app.kubernetes.io/managed-by": "Helm"}, {"meta.helm.sh/release-name": "shop"}, "Helm release shop"),
        ({"app.kubernetes.io/managed-by": "Helm"}, {}, "Helm"),
        ({"kustomize.toolkit.fluxcd.io/name": "apps"}, {"meta.helm.sh/release-name": "shop"}, "Flux apps"),
        (
            {},
            {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"},
            "Argo CD shop:apps/Deployment:shop/web",
        ),
        ({"app": "web"}, {}, None),
    ],
)
def test_the_tool_that_keeps_an_object_is_told_by_its_marks(
    labels: Parts, annotations: Parts, keeper: str | None
) -> None:
    found = keeper_of(KubeObject({"metadata": {"name": "web", "labels": labels, "annotations": annotations}}))
    assert (str(found) if found else None) == keeper


ASKING: dict[str, tuple[Callable[[Scene], object], set[tuple[str, str]]]] = {
    "policies": (lambda scene: networking.policies_on(scene, "shop", {}), {("NetworkPolicy", "shop")}),
    "scalers": (
        lambda scene: limits.autoscalers_of(scene, deployment("web", template())),
        {("HorizontalPodAutoscaler", "shop")},
    ),
}


@pytest.mark.parametrize("subject", ASKING)
def test_asking_for_what_was_never_read_makes_it_wanted_once(subject: str) -> None:
    ask, wanted = ASKING[subject]
    scene = Scene(now=NOW)
    ask(scene)
    assert scene.take_wanted().lists == wanted
    scene.add((), whole=wanted)
    ask(scene)
    assert not scene.take_wanted()
