"""What each action changes, and when it refuses to."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, cast

import pytest

from kubernaut.domain.changes import ObjectDeletion, PatchOperation
from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter
from kubernaut.domain.errors import InputError, UnknownName
from kubernaut.domain.execution import Applied, Intent, Refused
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.domain.patches import patched
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import intend
from kubernaut.execution.sequences import apply, undo

if TYPE_CHECKING:
    from tests.unit.execution.conftest import Shop

DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
SERVICE = ObjectRef("v1", "Service", "shop", "checkout")


def node_ref(name: str) -> ObjectRef:
    return ObjectRef("v1", "Node", "", name)


def pod_ref(name: str) -> ObjectRef:
    return ObjectRef("v1", "Pod", "shop", name)


def call(action: str, target: ObjectRef = DEPLOYMENT, **parameters: Parameter) -> ActionCall:
    return ActionCall(ActionId(action), target, parameters)


async def intended(shop: Shop, wanted: ActionCall) -> Intent:
    intent = await intend(shop.ports, wanted)
    assert isinstance(intent, Intent), intent
    return intent


async def refused(shop: Shop, wanted: ActionCall) -> str:
    before = {ref: shop.cluster.raw(ref) for ref in list(shop.cluster._objects)}
    answer = await intend(shop.ports, wanted)
    assert isinstance(answer, Refused), answer
    assert answer.reason
    assert {ref: shop.cluster.raw(ref) for ref in shop.cluster._objects} == before
    return answer.guard


def edited(shop: Shop, ref: ObjectRef, path: str, value: object) -> None:
    """Changes one field as another person would."""
    operation = PatchOperation("add", path, cast("JsonObject", value))
    shop.cluster.put(patched(shop.cluster.raw(ref), [operation]))


async def spec_after(shop: Shop, wanted: ActionCall) -> KubeObject:
    execution = await apply(shop.ports, await intended(shop, wanted))
    assert execution.applied is Applied.DONE
    return KubeObject(shop.cluster.raw(wanted.target))


def test_each_action_of_the_contract_has_a_folder_and_says_what_people_must_know() -> None:
    catalogue = discover()
    names = {action.id for action in catalogue}
    assert names >= {"rollback_deployment", "drain_node", "restore_configmap", "run_workflow", "escalate"}
    assert len(names) == len(catalogue) == 46
    for action in catalogue:
        assert all((action.summary, action.when, action.never, action.before, action.undo)), action.id
        assert bool(action.writes) is action.changes


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (call("rollback_deployment"), "revision"),
        (call("rollback_deployment", revision=0), "revision: Expected `int` >= 1"),
        (call("rollback_deployment", revision="6"), "revision: Expected `int`, got `str`"),
        (call("rollback_deployment", revision=6, force=True), "unknown field `force`"),
        (call("rollback_deployment", SERVICE, revision=6), "not a Deployment"),
        (call("increase_memory_limit", container="app", factor=1.0), "factor: Expected `float` >= 1.1"),
        (call("increase_memory_limit", container="app", factor=40.0), "factor: Expected `float` <= 4.0"),
        (call("scale_workload", replicas=0), "replicas: Expected `int` >= 1"),
        (call("fix_service_selector", SERVICE, selector="app in (a)"), "is no label=value"),
        (call("fix_service_selector", SERVICE, selector="a=b,a=c"), "comes twice"),
        (call("fix_service_port", SERVICE, port="80", target_port="-1"), "target_port"),
    ],
)
async def test_parameters_that_do_not_fit_are_refused_by_name(shop: Shop, wanted: ActionCall, words: str) -> None:
    shop.cluster.put(shop.service())
    with pytest.raises(InputError, match=words):
        await intend(shop.ports, wanted)


async def test_what_is_not_in_the_catalogue_cannot_be_done(shop: Shop) -> None:
    with pytest.raises(UnknownName, match="there is no action delete_namespace"):
        await intend(shop.ports, call("delete_namespace"))


async def test_a_rollback_brings_the_template_of_that_revision_back_without_the_hash(shop: Shop) -> None:
    after = await spec_after(shop, call("rollback_deployment", revision=6))
    assert after.at("spec", "template") == shop.template("checkout:6")
    assert after.integer("spec", "replicas") == 3


async def test_a_rollback_is_shown_in_the_lines_that_differ(shop: Shop) -> None:
    intent = await intended(shop, call("rollback_deployment", revision=6))
    assert intent.preview.diff == ("- image: checkout:7", "+ image: checkout:6")
    assert intent.preview.reach == "3 of 3 replicas, at most 1 at a time"


async def test_a_preview_changes_nothing(shop: Shop) -> None:
    before = shop.cluster.raw(DEPLOYMENT)
    await intended(shop, call("rollback_deployment", revision=6))
    assert shop.cluster.raw(DEPLOYMENT) == before


async def test_a_rollback_is_refused_where_it_would_do_nothing_or_cannot_work(shop: Shop) -> None:
    assert await refused(shop, call("rollback_deployment", revision=7)) == "no_effect"
    assert await refused(shop, call("rollback_deployment", revision=2)) == "revision_missing"
    edited(shop, DEPLOYMENT, "/spec/paused", value=True)
    assert await refused(shop, call("rollback_deployment", revision=6)) == "paused"


async def test_a_rollback_onto_a_config_map_that_is_gone_is_refused(shop: Shop) -> None:
    older = shop.replica_set(4, "checkout:4")
    reference = {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "levels", "key": "log"}}}
    shop.cluster.put(patched(older, [PatchOperation("add", "/spec/template/spec/containers/0/env", [reference])]))  # type: ignore[list-item]
    assert await refused(shop, call("rollback_deployment", revision=4)) == "config_missing"
    shop.cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "levels", "namespace": "shop"}})
    await intended(shop, call("rollback_deployment", revision=4))


@pytest.mark.parametrize(
    ("path", "value", "owner"),
    [
        ("/metadata/labels", {"app.kubernetes.io/managed-by": "Helm"}, "Helm"),
        ("/metadata/annotations", {"argocd.argoproj.io/tracking-id": "shop:apps"}, "Argo CD"),
        ("/metadata/labels", {"kustomize.toolkit.fluxcd.io/name": "apps"}, "Flux apps"),
        (
            "/metadata/ownerReferences",
            [{"apiVersion": "x/v1", "kind": "App", "name": "a", "controller": True}],
            "shop/app/a",
        ),
    ],
)
@pytest.mark.parametrize(
    "wanted",
    [
        call("rollback_deployment", revision=6),
        call("increase_memory_limit", container="app", factor=2.0),
        call("scale_workload", replicas=4),
    ],
)
async def test_what_an_owner_would_revert_is_proposed_to_the_owner(
    shop: Shop, wanted: ActionCall, path: str, value: object, owner: str
) -> None:
    edited(shop, DEPLOYMENT, path, value)
    answer = await intend(shop.ports, wanted)
    assert isinstance(answer, Refused)
    assert answer.guard == "owned"
    assert f"owned by {owner}" in answer.reason
    assert "propose the change to its owner" in answer.reason


async def test_memory_is_raised_for_the_named_container_alone(shop: Shop) -> None:
    wanted = call("increase_memory_limit", container="app", factor=1.5)
    assert (await intended(shop, wanted)).preview.diff == ("- memory: 512Mi", "+ memory: 768Mi")
    after = await spec_after(shop, wanted)
    first, second = after.trees("spec", "template", "spec", "containers")
    assert first.text("resources", "limits", "memory") == "768Mi"
    assert first.text("resources", "requests", "memory") == "256Mi"
    assert second.raw == {"name": "proxy", "image": "p:1"}


async def test_memory_is_raised_for_an_init_container_too(shop: Shop) -> None:
    first = {"name": "migrate", "image": "m:1", "resources": {"limits": {"memory": "16Mi"}}}
    edited(shop, DEPLOYMENT, "/spec/template/spec/initContainers", [first])
    after = await spec_after(shop, call("increase_memory_limit", container="migrate", factor=2.0))
    (step,) = after.trees("spec", "template", "spec", "initContainers")
    assert step.text("resources", "limits", "memory") == "32Mi"


async def test_memory_is_not_raised_without_a_limit_or_for_a_container_that_is_not_there(shop: Shop) -> None:
    assert await refused(shop, call("increase_memory_limit", container="proxy", factor=2.0)) == "no_limit"
    assert await refused(shop, call("increase_memory_limit", container="nope", factor=2.0)) == "container_missing"


async def test_memory_is_not_raised_beyond_quota_limit_range_or_node(shop: Shop) -> None:
    wanted = call("increase_memory_limit", container="app", factor=2.0)
    shop.cluster.put(shop.quota(limits_memory=("3Gi", "2Gi")))
    assert await refused(shop, wanted) == "over_quota"
    shop.cluster.put(shop.quota(limits_memory=("4Gi", "2Gi")))
    await intended(shop, wanted)
    limits = [{"type": "Container", "max": {"memory": "1000Mi"}}]
    limit_range: JsonObject = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "l", "namespace": "shop"},
        "spec": {"limits": limits},  # type: ignore[dict-item]
    }
    shop.cluster.put(limit_range)
    assert await refused(shop, wanted) == "over_limit_range"
    shop.cluster.remove(KubeObject(limit_range).ref)
    for name in ("worker-1", "worker-2"):
        edited(shop, node_ref(name), "/status/allocatable/memory", "900Mi")
    assert await refused(shop, wanted) == "over_node"


async def test_replicas_are_set_through_the_scale_and_not_where_an_autoscaler_owns_them(shop: Shop) -> None:
    wanted = call("scale_workload", replicas=5)
    intent = await intended(shop, wanted)
    assert intent.preview.diff == ("- replicas: 3", "+ replicas: 5")
    assert (await spec_after(shop, wanted)).integer("spec", "replicas") == 5
    assert await refused(shop, wanted) == "no_effect"
    shop.cluster.put(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h", "namespace": "shop"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "checkout"}},
        }
    )
    assert await refused(shop, call("scale_workload", replicas=6)) == "autoscaled"
    edited(shop, DEPLOYMENT, "/spec/replicas", 0)
    # Zero switches the autoscaler off: it will not bring the pods back.
    assert (await intended(shop, call("restore_replicas", replicas=2))).preview.diff == (
        "- replicas: 0",
        "+ replicas: 2",
    )


@pytest.mark.parametrize(("former", "guard"), [("store", ""), ("stone", "target_missing")])
async def test_an_alias_gets_its_applied_name_back_where_that_leads_somewhere(
    shop: Shop, former: str, guard: str
) -> None:
    applied = {"spec": {"type": "ExternalName", "externalName": f"{former}.shop.svc.cluster.local"}}
    notes: JsonObject = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)}
    metadata: JsonObject = {"name": "stock", "namespace": "shop", "annotations": notes}
    spec: JsonObject = {"type": "ExternalName", "externalName": "stack.shop.svc.cluster.local"}
    shop.cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    there: JsonObject = {"name": "store", "namespace": "shop"}
    shop.cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": there, "spec": {}})
    target = ObjectRef("v1", "Service", "shop", "stock")
    wanted = ActionCall(ActionId("restore_service"), target, {"part": "external_name"})
    if guard:
        assert await refused(shop, wanted) == guard
    else:
        diff = (await intended(shop, wanted)).preview.diff
        assert diff == (
            "- externalName: stack.shop.svc.cluster.local", "+ externalName: store.shop.svc.cluster.local",
        )  # fmt: skip


@pytest.mark.parametrize(
    "limits", [{"pods": ("3", "3")}, {"requests_memory": ("1Gi", "800Mi")}, {"limits_memory": ("2Gi", "1800Mi")}]
)
async def test_more_pods_than_the_quota_holds_are_refused(shop: Shop, limits: dict[str, tuple[str, str]]) -> None:
    shop.cluster.put(shop.quota(**limits))
    assert await refused(shop, call("scale_workload", replicas=4)) == "over_quota"
    await intended(shop, call("scale_workload", replicas=2))


async def test_an_accidental_zero_is_taken_back_and_its_undo_returns_to_zero(shop: Shop) -> None:
    wanted = call("restore_replicas", replicas=3)
    assert await refused(shop, wanted) == "no_effect"
    edited(shop, DEPLOYMENT, "/spec/replicas", 0)
    intent = await intended(shop, wanted)
    await apply(shop.ports, intent)
    assert KubeObject(shop.cluster.raw(DEPLOYMENT)).at("spec", "replicas") == 3
    assert (await undo(shop.ports, intent)).applied is Applied.DONE
    assert KubeObject(shop.cluster.raw(DEPLOYMENT)).at("spec", "replicas") == 0


async def test_an_intended_zero_stays(shop: Shop) -> None:
    edited(shop, DEPLOYMENT, "/spec/replicas", 0)
    edited(shop, DEPLOYMENT, "/metadata/annotations", {"downscaler/original-replicas": "3"})
    assert await refused(shop, call("restore_replicas", replicas=3)) == "intended"


async def test_a_restart_sets_the_annotation_of_kubectl_with_the_time_of_the_intent(shop: Shop) -> None:
    intent = await intended(shop, call("restart_workload"))
    shop.clock.moment = shop.clock.moment.replace(hour=20)
    await apply(shop.ports, intent)
    annotations = KubeObject(shop.cluster.raw(DEPLOYMENT)).mapping("spec", "template", "metadata", "annotations")
    assert annotations == {"team/owner~1": "a", "kubectl.kubernetes.io/restartedAt": "2026-05-04T12:00:00Z"}
    assert (await apply(shop.ports, intent)).applied is Applied.ALREADY
    assert (await undo(shop.ports, intent)).reason.startswith("nothing to take back")


async def test_a_restart_waits_for_no_rollout_and_mends_no_template(shop: Shop) -> None:
    rolling = shop.deployment()
    rolling["status"] = {"observedGeneration": 7, "replicas": 4, "updatedReplicas": 1}
    shop.cluster.put(rolling)
    assert await refused(shop, call("restart_workload")) == "rollout_in_progress"
    stuck = shop.deployment()
    conditions: list[JsonObject] = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    stuck["status"] = {"observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "conditions": conditions}  # type: ignore[dict-item]
    shop.cluster.put(stuck)
    assert await refused(shop, call("restart_workload")) == "template_at_fault"


async def test_a_pod_is_deleted_by_uid_and_its_successor_is_left_alone(shop: Shop) -> None:
    shop.cluster.put(shop.pod("checkout-a", ready=False))
    shop.cluster.put(shop.pod("checkout-b"))
    intent = await intended(shop, call("restart_pod", pod_ref("checkout-a")))
    assert isinstance(intent.preview.change, ObjectDeletion)
    assert intent.preview.reach == "1 pod of shop/replicaset/checkout-h7, 1 other ready"
    assert (await apply(shop.ports, intent)).applied is Applied.DONE
    successor = shop.cluster.put(shop.pod("checkout-a"))
    assert (await apply(shop.ports, intent)).applied is Applied.ALREADY
    assert KubeObject(shop.cluster.raw(pod_ref("checkout-a"))).uid == successor.uid


async def test_a_pod_that_nothing_would_make_again_is_not_deleted(shop: Shop) -> None:
    bare = shop.pod("bare")
    cast("JsonObject", bare["metadata"]).pop("ownerReferences")
    shop.cluster.put(bare)
    assert await refused(shop, call("restart_pod", pod_ref("bare"))) == "bare_pod"
    mirror = shop.pod("static")
    cast("JsonObject", mirror["metadata"])["annotations"] = {"kubernetes.io/config.mirror": "x"}
    shop.cluster.put(mirror)
    assert await refused(shop, call("restart_pod", pod_ref("static"))) == "static_pod"


async def test_a_pod_that_a_budget_protects_is_not_deleted(shop: Shop) -> None:
    shop.cluster.put(shop.pod("checkout-a", ready=False))
    budget: JsonObject = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "shop"},
        "spec": {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["checkout"]}]}},
        "status": {"disruptionsAllowed": 0},
    }
    shop.cluster.put(budget)
    wanted = call("restart_pod", pod_ref("checkout-a"))
    assert await refused(shop, wanted) == "disruption_budget"
    shop.cluster.put(shop.pod("checkout-b"))
    await intended(shop, wanted)
    assert await refused(shop, call("restart_pod", pod_ref("checkout-b"))) == "disruption_budget"


async def test_a_service_is_pointed_at_the_ready_pods(shop: Shop) -> None:
    shop.cluster.put(shop.service({"app": "chekout"}))
    shop.cluster.put(shop.pod("checkout-a"))
    wanted = call("fix_service_selector", SERVICE, selector="app=checkout")
    intent = await intended(shop, wanted)
    assert intent.preview.diff == ("- app: chekout", "+ app: checkout")
    assert (await spec_after(shop, wanted)).mapping("spec", "selector") == {"app": "checkout"}


async def test_a_service_that_serves_or_has_nothing_to_serve_keeps_its_selector(shop: Shop) -> None:
    shop.cluster.put(shop.service())
    shop.cluster.put(shop.pod("checkout-a"))
    assert await refused(shop, call("fix_service_selector", SERVICE, selector="app=checkout")) == "no_effect"
    assert await refused(shop, call("fix_service_selector", SERVICE, selector="app=other")) == "still_serving"
    shop.cluster.put(shop.service({"app": "chekout"}))
    assert await refused(shop, call("fix_service_selector", SERVICE, selector="app=other")) == "no_pods"
    shop.cluster.put(shop.service({}))
    assert await refused(shop, call("fix_service_selector", SERVICE, selector="app=checkout")) == "no_selector"


@pytest.mark.parametrize(("wrong", "right", "written"), [(9090, "8080", 8080), ("htp", "http", "http")])
async def test_a_service_port_leads_to_the_port_that_the_pods_declare(
    shop: Shop, wrong: int | str, right: str, written: int | str
) -> None:
    shop.cluster.put(shop.service(target_port=wrong))
    shop.cluster.put(shop.pod("checkout-a"))
    wanted = call("fix_service_port", SERVICE, port="web", target_port=right)
    assert (await intended(shop, wanted)).preview.diff == (
        f"- ports[web].targetPort: {wrong}",
        f"+ ports[web].targetPort: {right}",
    )
    assert (await spec_after(shop, wanted)).trees("spec", "ports")[0].at("targetPort") == written


async def test_a_service_port_that_is_right_or_unproven_stays(shop: Shop) -> None:
    shop.cluster.put(shop.service())
    assert await refused(shop, call("fix_service_port", SERVICE, port="80", target_port="9090")) == "no_pods"
    shop.cluster.put(shop.pod("checkout-a"))
    assert await refused(shop, call("fix_service_port", SERVICE, port="80", target_port="http")) == "no_effect"
    assert await refused(shop, call("fix_service_port", SERVICE, port="80", target_port="9090")) == "port_not_declared"
    assert await refused(shop, call("fix_service_port", SERVICE, port="80", target_port="8080")) == "still_serving"
    assert await refused(shop, call("fix_service_port", SERVICE, port="99", target_port="http")) == "port_missing"
    notes = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": {"ports": [{"port": 80}]}})}
    edited(shop, SERVICE, "/metadata/annotations", notes)
    assert await refused(shop, call("fix_service_port", SERVICE, port="80", target_port="8080")) == "still_serving"


async def test_a_node_is_cordoned_unless_it_is_the_last(shop: Shop) -> None:
    after = await spec_after(shop, call("cordon_node", node_ref("worker-1")))
    assert after.flag("spec", "unschedulable")
    assert await refused(shop, call("cordon_node", node_ref("worker-1"))) == "no_effect"
    assert await refused(shop, call("cordon_node", node_ref("worker-2"))) == "last_node"


async def test_a_node_is_uncordoned_unless_it_is_in_maintenance_or_not_ready(shop: Shop) -> None:
    shop.cluster.put(shop.node("worker-3", cordoned=True))
    shop.cluster.put(shop.node("worker-4", cordoned=True, ready=False))
    after = await spec_after(shop, call("uncordon_node", node_ref("worker-3")))
    assert not after.has("spec", "unschedulable")
    assert await refused(shop, call("uncordon_node", node_ref("worker-3"))) == "no_effect"
    assert await refused(shop, call("uncordon_node", node_ref("worker-4"))) == "node_not_ready"
    kept = shop.node("worker-5", cordoned=True)
    cast("JsonObject", kept["metadata"])["annotations"] = {"example.com/maintenance": "disk"}
    shop.cluster.put(kept)
    assert await refused(shop, call("uncordon_node", node_ref("worker-5"))) == "maintenance"


@pytest.mark.parametrize("action", ["escalate", "collect_diagnostics"])
async def test_what_only_tells_or_reads_has_nothing_to_intend(shop: Shop, action: str) -> None:
    assert await refused(shop, call(action)) == "makes_no_change"


async def test_a_target_that_is_gone_or_going_is_left_alone(shop: Shop) -> None:
    edited(shop, DEPLOYMENT, "/metadata/deletionTimestamp", "2026-05-04T12:00:00Z")
    assert await refused(shop, call("rollback_deployment", revision=6)) == "being_deleted"
    shop.cluster.remove(DEPLOYMENT)
    for wanted in (
        call("rollback_deployment", revision=6),
        call("increase_memory_limit", container="app", factor=2.0),
        call("scale_workload", replicas=2),
        call("restore_replicas", replicas=2),
        call("restart_workload"),
        call("restart_pod", pod_ref("x")),
        call("fix_service_selector", SERVICE, selector="a=b"),
        call("fix_service_port", SERVICE, port="80", target_port="81"),
        call("cordon_node", node_ref("x")),
        call("uncordon_node", node_ref("x")),
    ):
        assert await refused(shop, wanted) == "target_missing"


async def test_a_snapshot_is_the_object_as_it_was(shop: Shop) -> None:
    before = copy.deepcopy(shop.cluster.raw(DEPLOYMENT))
    intent = await intended(shop, call("rollback_deployment", revision=6))
    await apply(shop.ports, intent)
    assert intent.snapshot == before
