"""Who owns a field: told by marks, owner references and the managers in `metadata.managedFields`."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kubernaut.domain.changes import Change, ObjectDeletion, ObjectPatch, PatchOperation
from kubernaut.domain.objects import Json, JsonObject, KubeObject, Uid
from kubernaut.domain.ownership import claim_on, keeper_of, reverter_of
from tests import objects

IMAGE = "/spec/template/spec/containers/0/image"
LIMIT = "/spec/template/spec/containers/0/resources/limits/memory"
RESTARTED = "/spec/template/metadata/annotations"
ARGO = {"argocd.argoproj.io/instance": "cart"}
OF_WEB = 'k:{"name":"web"}'


@dataclass(frozen=True)
class By:
    """One entry of managedFields for the image, the limit or the replicas of the workload."""

    manager: str
    field: str = "image"
    operation: str = "Update"
    subresource: str = ""
    minute: int = 0

    def entry(self) -> JsonObject:
        fields: JsonObject
        match self.field:
            case "replicas":
                fields = {"f:spec": {"f:replicas": {}}}
            case "limit":
                held: JsonObject = {"f:resources": {"f:limits": {"f:memory": {}}}}
                fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": {OF_WEB: held}}}}}
            case name:
                held = {".": {}, "f:name": {}, f"f:{name}": {}}
                fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": {OF_WEB: held}}}}}
        return {
            "manager": self.manager, "operation": self.operation, "subresource": self.subresource,
            "time": f"2026-03-01T10:{self.minute:02}:00Z", "fieldsV1": fields,
        }  # fmt: skip


def workload(*written: By, labels: dict[str, str] | None = None, made_by: JsonObject | None = None) -> KubeObject:
    container = objects.container("web", resources={"limits": {"memory": "16Mi"}})
    raw = dict(objects.deployment("cart", objects.template(container), replicas=2).raw)
    metadata = raw["metadata"]
    assert isinstance(metadata, dict)
    managed: list[Json] = [each.entry() for each in written]
    raw["metadata"] = {**metadata, "labels": labels or {}, "managedFields": managed}
    if made_by:
        raw["metadata"]["ownerReferences"] = [made_by]
    return KubeObject(raw)


def patch(item: KubeObject, path: str, value: Json) -> Change:
    return ObjectPatch(item.ref, item.uid, "1", (PatchOperation("add", path, value),))


def claimed(item: KubeObject, path: str = IMAGE, value: Json = "web:2", **known: frozenset[str]) -> str:
    claim = claim_on(item, patch(item, path, value), **known)
    return str(claim) if claim else ""


@pytest.mark.parametrize(
    ("manager", "operation", "owner"),
    [
        ("argocd-controller", "Apply", "Argo CD"),
        ("argocd-controller", "Update", "Argo CD"),
        ("kustomize-controller", "Apply", "Flux"),
        ("helm-controller", "Update", "Flux"),
        ("helm", "Update", "Helm release"),
        ("postgres-operator", "Update", "operator postgres-operator"),
        ("capi-controller-manager", "Update", "operator capi-controller-manager"),
        ("PrometheusOperator", "Update", "operator PrometheusOperator"),
        ("manager", "Update", "operator manager"),
        ("shopkeeper", "Apply", "operator shopkeeper"),
    ],
)
def test_a_manager_that_writes_again_owns_the_fields_it_holds(manager: str, operation: str, owner: str) -> None:
    field = ".spec.template.spec.containers[web].image"
    assert claimed(workload(By(manager, operation=operation))) == (
        f"owned by {owner}, which would put back {field} (field manager {manager}, {operation})"
    )


@pytest.mark.parametrize(
    ("manager", "operation"),
    [
        ("kubectl-client-side-apply", "Update"), ("kubectl", "Apply"), ("kubectl-edit", "Update"),
        ("kubectl-rollout", "Update"), ("kubernaut", "Update"), ("k9s", "Update"),
        ("kube-controller-manager", "Update"),
        ("deployment-controller", "Update"), ("kubelet", "Update"), ("aws-cloud-controller-manager", "Update"),
        ("shopkeeper", "Update"),
    ],
)  # fmt: skip
def test_people_kubernetes_itself_and_who_wrote_once_own_nothing(manager: str, operation: str) -> None:
    assert claimed(workload(By(manager, operation=operation))) == ""


def test_a_manager_that_was_seen_to_write_again_owns_what_it_holds() -> None:
    assert "operator shopkeeper" in claimed(workload(By("shopkeeper")), rewriters=frozenset({"shopkeeper"}))


def test_an_operator_owns_the_fields_it_holds_and_no_other() -> None:
    item = workload(By("cart-operator", "limit"))
    assert claimed(item) == ""
    assert ".resources.limits.memory " in claimed(item, LIMIT, "64Mi")


def test_a_whole_template_that_is_replaced_touches_only_what_differs_in_it() -> None:
    item = workload(By("cart-operator", "limit"))
    template = objects.template(objects.container("web", image="web:2", resources={"limits": {"memory": "16Mi"}}))
    template["metadata"] = dict(item.tree("spec", "template", "metadata").raw)
    assert claimed(item, "/spec/template", template) == ""


@pytest.mark.parametrize(
    "item",
    [
        workload(labels=ARGO),
        workload(By("argocd-controller", "replicas", "Apply"), labels=ARGO),
        workload(By("argocd-controller", "limit", "Apply"), By("kubectl-edit", minute=5)),
    ],
    ids=["mark", "mark and managers", "managers"],
)
def test_a_field_that_somebody_took_from_its_owner_is_the_owners_all_the_same(item: KubeObject) -> None:
    assert "owned by Argo CD" in claimed(item)


def test_a_field_that_the_owner_left_alone_when_it_applied_again_is_not_the_owners() -> None:
    item = workload(By("kubectl-edit", minute=1), By("argocd-controller", "limit", "Apply", minute=5), labels=ARGO)
    assert claimed(item) == ""
    assert "Argo CD" in claimed(item, LIMIT, "64Mi")


def test_a_restart_is_no_change_of_what_the_owner_keeps() -> None:
    item = workload(By("argocd-controller", operation="Apply"), labels=ARGO)
    assert claimed(item, RESTARTED, {"kubectl.kubernetes.io/restartedAt": "2026-03-01T10:00:00Z"}) == ""


@pytest.mark.parametrize(
    ("api_version", "owner"),
    [("acid.zalan.do/v1", "operator Postgresql db"), ("cluster.x-k8s.io/v1", "operator Postgresql db")],
)
def test_an_object_made_from_a_custom_resource_is_its_operators(api_version: str, owner: str) -> None:
    item = workload(made_by={"apiVersion": api_version, "kind": "Postgresql", "name": "db"})
    assert str(keeper_of(item)) == owner
    assert f"owned by {owner}" in claimed(item)


def test_an_owner_of_a_built_in_kind_is_no_operator() -> None:
    item = workload(made_by={"apiVersion": "v1", "kind": "ConfigMap", "name": "db"})
    assert (keeper_of(item), claimed(item)) == (None, "")


def test_the_number_that_an_autoscaler_wrote_is_not_told_by_its_manager() -> None:
    # Whether the autoscaler is still there is asked of the cluster: its entry stays behind it.
    item = workload(By("kube-controller-manager", "replicas", subresource="scale"))
    assert claimed(item, "/spec/replicas", 3) == ""


def test_pods_and_nodes_are_nobodys_text() -> None:
    owner: JsonObject = {"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "name": "n"}
    raw = dict(objects.node().raw)
    node = KubeObject({**raw, "metadata": {**raw["metadata"], "ownerReferences": [owner]}})  # type: ignore[dict-item]
    assert claimed(node, "/spec/unschedulable", value=True) == ""


def test_an_object_that_is_kept_is_not_deleted_and_a_pod_of_it_may_be() -> None:
    item = workload(labels=ARGO)
    assert "put back the object" in str(claim_on(item, ObjectDeletion(item.ref, Uid("u"))))
    pod = objects.pod("cart-1", [objects.running()])
    assert claim_on(pod, ObjectDeletion(pod.ref, pod.uid)) is None


IMAGE_PATH = ("spec", "replicas")


@pytest.mark.parametrize(
    ("item", "as_before", "owner"),
    [
        (workload(By("argocd-controller", "replicas"), labels=ARGO), False, "Argo CD cart"),
        (workload(By("cart-operator", "replicas")), False, "operator cart-operator"),
        (workload(labels=ARGO), True, "Argo CD cart"),
        (workload(labels=ARGO), False, "None"),
        (workload(By("kubectl-edit", "replicas"), labels=ARGO), True, "None"),
        (workload(By("kubectl-edit", "replicas")), True, "None"),
    ],
)
def test_a_field_was_put_back_by_its_owner_and_not_by_a_person(item: KubeObject, as_before: bool, owner: str) -> None:  # noqa: FBT001
    assert str(reverter_of(item, IMAGE_PATH, as_before=as_before)) == owner
