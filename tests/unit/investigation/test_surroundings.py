"""What rules can ask for around an object, and that asking is what makes it be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubernaut.domain.objects import KubeObject
from kubernaut.domain.ownership import keeper_of
from kubernaut.investigation import admission, batch, heartbeats, limits, networking, rights, storage
from kubernaut.investigation.scene import Scene
from tests.objects import NOW, Part, Parts, ago, deployment, metadata, pod, service, template
from tests.unit.investigation.scenes import scene_of


def made(api_version: str, kind: str, name: str, namespace: str = "shop", **parts: Part) -> KubeObject:
    return KubeObject({"apiVersion": api_version, "kind": kind, "metadata": metadata(kind, name, namespace), **parts})


def mounting(*names: str) -> KubeObject:
    volumes: list[Part] = [{"name": f"v-{name}", "persistentVolumeClaim": {"claimName": name}} for name in names]
    return pod("web-1", spec={"containers": [{"name": "app"}], "volumes": volumes})


def claim(name: str, **spec: Part) -> KubeObject:
    return made("v1", "PersistentVolumeClaim", name, spec=spec)


def storage_class(name: str, *, default: bool = False) -> KubeObject:
    item = made("storage.k8s.io/v1", "StorageClass", name, "")
    marks: Parts = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    return KubeObject({**item.raw, "metadata": {"name": name, "annotations": marks}})


def test_a_claim_that_a_pod_names_is_there_or_missing_or_unknown() -> None:
    user = mounting("data", "cache")
    there, gone = storage.claims_of(scene_of(user, claim("data")), user)
    assert (there.name, there.path, there.is_missing) == ("data", "spec.volumes[v-data]", False)
    assert (gone.object, gone.is_missing) == (None, True)
    unread = storage.claims_of(scene_of(user, unread=frozenset({"PersistentVolumeClaim"})), user)
    assert [(entry.object, entry.is_missing) for entry in unread] == [(None, False), (None, False)]


def test_a_claim_of_a_pods_own_has_the_pods_name_before_that_of_its_volume() -> None:
    spec: Parts = {
        "containers": [{"name": "app"}],
        "volumes": [{"name": "tmp", "ephemeral": {"volumeClaimTemplate": {}}}],
    }
    user = pod("web-1", spec=spec)
    assert [entry.name for entry in storage.claims_of(scene_of(user), user)] == ["web-1-tmp"]


@pytest.mark.parametrize(
    ("asked", "found"), [({}, "slow"), ({"storageClassName": "fast"}, "fast"), ({"storageClassName": ""}, None)]
)
def test_the_class_of_a_claim_is_the_one_it_names_or_the_default(asked: Parts, found: str | None) -> None:
    scene = scene_of(storage_class("fast"), storage_class("slow", default=True))
    chosen = storage.class_of(scene, claim("data", **asked))
    assert (chosen.name if chosen else None) == found


def test_a_class_that_no_claim_can_get_is_missing() -> None:
    chosen = storage.class_of(scene_of(), claim("data", storageClassName="gold"))
    assert chosen is not None
    assert chosen.is_missing


def test_a_volume_is_found_from_its_claim_and_by_its_claim() -> None:
    reference: Parts = {"namespace": "shop", "name": "data"}
    volume = made("v1", "PersistentVolume", "pv-1", "", spec={"claimRef": reference})
    bound, user = claim("data", volumeName="pv-1"), mounting("data")
    scene = scene_of(volume, bound, user, mounting())
    named = storage.volume_of(scene, bound)
    assert named is not None
    assert named.object is volume
    assert storage.volume_of(scene, claim("other")) is None
    assert storage.volumes_claimed_by(scene, bound) == [volume]
    assert storage.users_of(scene, bound) == [user]


def ingress(name: str, *services: str, **spec: Part) -> KubeObject:
    paths: list[Part] = [
        {"path": f"/{to}", "backend": {"service": {"name": to, "port": {"number": 80}}}} for to in services
    ]
    rules: list[Part] = [{"host": "shop.example", "http": {"paths": paths}}]
    return made("networking.k8s.io/v1", "Ingress", name, spec={"rules": rules, **spec})


def test_the_ways_of_ingresses_to_a_service_are_found() -> None:
    front = ingress("front", "cart", "search", defaultBackend={"service": {"name": "cart", "port": {"name": "http"}}})
    target = service("cart", {"app": "cart"})
    found = networking.ways_to(scene_of(front, ingress("other", "search"), target), target)
    assert [(way.where, way.port, way.path) for way in found] == [
        ("shop.example/cart", "80", "spec.rules[0].http.paths[0].backend.service"),
        ("everything else", "http", "spec.defaultBackend.service"),
    ]


def test_the_class_of_an_ingress_may_stand_in_its_annotation() -> None:
    known = made("networking.k8s.io/v1", "IngressClass", "nginx", "")
    scene = scene_of(known)
    wrong = networking.ingress_class_of(scene, ingress("a", ingressClassName="ngnix"))
    old = ingress("b")
    marked = KubeObject({**old.raw, "metadata": {"name": "b", "annotations": {"kubernetes.io/ingress.class": "nginx"}}})
    right = networking.ingress_class_of(scene, marked)
    assert wrong is not None
    assert right is not None
    assert (wrong.is_missing, right.is_missing, right.object) == (True, False, known)
    assert networking.ingress_class_of(scene, old) is None


def policy(name: str, selector: Parts, **spec: Part) -> KubeObject:
    return made("networking.k8s.io/v1", "NetworkPolicy", name, spec={"podSelector": selector, **spec})


def test_policies_are_found_by_the_labels_of_the_pods_they_restrict() -> None:
    everybody = policy("all", {})
    others = policy("db", {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]})
    out = policy("out", {"matchLabels": {"app": "web"}}, policyTypes=["Egress"])
    scene = scene_of(everybody, others, out)
    assert networking.policies_on(scene, "shop", {"app": "web"}) == [everybody, out]
    assert networking.policies_on(scene, "shop", {"app": "web"}, "Egress") == [out]
    assert networking.allows_nothing(everybody, "Ingress")
    assert not networking.allows_nothing(everybody, "Egress")
    assert not networking.allows_nothing(policy("some", {}, ingress=[{}]), "Ingress")


def test_services_are_found_by_the_labels_they_select() -> None:
    reaching, other = service("web", {"app": "web"}), service("db", {"app": "db"})
    scene = scene_of(reaching, other, service("none", {}))
    assert networking.services_reaching(scene, "shop", {"app": "web", "tier": "a"}) == [reaching]


def test_what_bounds_a_pod_is_found() -> None:
    user = pod("web-1", labels={"app": "web"})
    budget = made("policy/v1", "PodDisruptionBudget", "web", spec={"selector": {"matchLabels": {"app": "web"}}})
    other = made("policy/v1", "PodDisruptionBudget", "db", spec={"selector": {"matchLabels": {"app": "db"}}})
    entry: Parts = {"type": "Container", "max": {"memory": "1Gi"}}
    bounds = made("v1", "LimitRange", "bounds", spec={"limits": [{"type": "Pod"}, entry]})
    scene = scene_of(user, budget, other, bounds)
    assert limits.budgets_on(scene, user) == [budget]
    assert [found.text("max", "memory") for _, found in limits.ranges_in(scene, "shop")] == ["1Gi"]


def test_the_priority_of_a_pod_is_the_class_it_names_or_the_global_default() -> None:
    usual = made("scheduling.k8s.io/v1", "PriorityClass", "usual", "", globalDefault=True, value=100)
    scene = scene_of(usual)
    silent, wrong = pod("a"), pod("b", spec={"containers": [], "priorityClassName": "hgih"})
    default = limits.priority_class_of(scene, silent.tree("spec"))
    missing = limits.priority_class_of(scene, wrong.tree("spec"))
    assert default is not None
    assert missing is not None
    assert (default.object, missing.is_missing) == (usual, True)


def test_the_rights_of_an_account_come_from_its_bindings() -> None:
    rule: Parts = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
    role = made("rbac.authorization.k8s.io/v1", "Role", "reader", rules=[rule])
    subject: Parts = {"kind": "ServiceAccount", "name": "web", "namespace": "shop"}
    binding = made(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "reader",
        roleRef={"kind": "Role", "name": "reader"},
        subjects=[subject],
    )
    scene = scene_of(role, binding)
    grants = rights.grants_of(scene, "shop", "web")
    assert rights.allows(grants, "list", "", "pods")
    assert not rights.allows(grants, "delete", "", "pods")
    assert not rights.allows(rights.grants_of(scene, "shop", "db"), "list", "", "pods")
    account = limits.account_of(scene, "shop", pod("a", spec={"serviceAccountName": "web"}).tree("spec"))
    assert account.is_missing


def hook(name: str, **entry: Part) -> KubeObject:
    about: Parts = {"apiGroups": [""], "resources": ["pods"], "operations": ["CREATE"]}
    webhook: Parts = {"name": name, "rules": [about], **entry}
    return made("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", name, "", webhooks=[webhook])


def test_a_webhook_is_found_by_the_name_that_a_refusal_quotes_and_leads_to_its_service() -> None:
    client: Parts = {"service": {"namespace": "guard", "name": "gate"}}
    closed = hook("gate.example.com", clientConfig=client, failurePolicy="Fail", timeoutSeconds=30)
    scene = scene_of(closed, service("cart", {}))
    found = admission.webhook_named(scene, "gate.example.com")
    assert found is not None
    assert (found.fails_closed, found.changes_objects, found.timeout_s) == (True, False, 30)
    backend = found.backend(scene)
    assert backend is not None
    assert (backend.name, backend.object, backend.is_missing) == ("gate", None, False)
    assert ("Service", "guard") in scene.take_wanted().lists
    assert admission.webhook_named(scene, "other") is None


def test_webhooks_on_pods_are_those_whose_rules_and_namespaces_fit() -> None:
    elsewhere: Parts = {"matchLabels": {"kubernetes.io/metadata.name": "blog"}}
    on_services: Parts = {"apiGroups": [""], "resources": ["services"], "operations": ["*"]}
    scene = scene_of(
        hook("a.example.com"), hook("b.example.com", namespaceSelector=elsewhere), hook("c", rules=[on_services])
    )
    assert [found.name for found in admission.webhooks_on_pods(scene, "shop")] == ["a.example.com"]


def test_jobs_and_the_cron_job_that_made_them_lead_to_each_other() -> None:
    cron = made("batch/v1", "CronJob", "nightly", status={"lastSuccessfulTime": ago(hours=30)})
    owner: Parts = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": cron.uid, "controller": True}
    jobs = [
        KubeObject(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    **metadata("Job", f"nightly-{hours}"),
                    "creationTimestamp": ago(hours=hours),
                    "ownerReferences": [owner],
                },
            }
        )
        for hours in (26, 2)
    ]
    scene = scene_of(cron, jobs)
    assert batch.cron_of(scene, jobs[0]) is cron
    assert [job.name for job in batch.jobs_of(scene, cron)] == ["nightly-2", "nightly-26"]
    assert str(batch.last_success(cron)) == str(KubeObject({"t": ago(hours=30)}).time("t"))


@pytest.mark.parametrize(("seconds", "stale"), [(5, False), (60, True)])
def test_a_lease_is_stale_once_its_holder_was_silent_for_longer_than_it_lasts(seconds: int, stale: bool) -> None:  # noqa: FBT001
    spec: Parts = {"leaseDurationSeconds": 40, "renewTime": ago(seconds)}
    lease = made("coordination.k8s.io/v1", "Lease", "kube-scheduler", "kube-system", spec=spec)
    scene = Scene(now=NOW, objects=[lease])
    assert heartbeats.lease_of_control_plane(scene, "kube-scheduler") is lease
    assert heartbeats.is_stale(scene, lease) is stale
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
    "claims": (lambda scene: storage.claims_of(scene, mounting("data")), {("PersistentVolumeClaim", "shop")}),
    "no claim": (lambda scene: storage.claims_of(scene, pod("web-1")), set()),
    "policies": (lambda scene: networking.policies_on(scene, "shop", {}), {("NetworkPolicy", "shop")}),
    "class": (lambda scene: storage.class_of(scene, claim("a", storageClassName="b")), {("StorageClass", "")}),
    "hooks": (admission.webhooks, {(kind, "") for kind in admission.KINDS}),
    "scalers": (
        lambda scene: limits.autoscalers_of(scene, deployment("web", template())),
        {("HorizontalPodAutoscaler", "shop")},
    ),
    "quotas": (lambda scene: limits.quotas_in(scene, "shop"), {("ResourceQuota", "shop")}),
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
