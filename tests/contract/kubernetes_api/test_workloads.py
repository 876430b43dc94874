from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api, deployment, eventually

REVISION = "deployment.kubernetes.io/revision"


async def _sets(api: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.read(api.apps("replicasets")))["items"]
    return sorted(items, key=lambda item: int(item["metadata"]["annotations"][REVISION]))


async def _rolled(api: Api, name: str) -> dict[str, Any] | None:
    found = await api.read(api.apps("deployments", name))
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    return found if seen and counts == [wanted] * 3 else None


def _needs_pods(api: Api) -> None:
    if not api.image:
        pytest.skip("KUBERNAUT_TEST_IMAGE names no image that this cluster can run")


async def test_a_deployment_has_a_numbered_replica_set_named_by_the_hash_of_its_template(api: Api) -> None:
    await api.make(api.apps("deployments"), deployment("web", api.image))

    async def one() -> list[dict[str, Any]]:
        return await _sets(api) if (await api.read(api.apps("replicasets")))["items"] else []

    (only,) = await eventually(one)
    mark = only["metadata"]["labels"]["pod-template-hash"]
    assert only["metadata"]["name"] == f"web-{mark}"
    assert only["metadata"]["annotations"][REVISION] == "1"
    assert only["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] == "2"
    assert only["metadata"]["ownerReferences"][0]["controller"] is True
    assert only["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": mark}


async def test_a_rollout_and_its_return_number_the_revisions(api: Api) -> None:
    _needs_pods(api)
    await api.make(api.apps("deployments"), deployment("web", api.image))
    await eventually(lambda: _rolled(api, "web"))
    for image, revision in ((api.next_image, "2"), (api.image, "3")):
        path = "/spec/template/spec/containers/0/image"
        patch: list[dict[str, Any]] = [{"op": "replace", "path": path, "value": image}]
        if api.image == api.next_image:
            variable = {"name": "ROUND", "value": revision if revision == "2" else "1"}
            patch = [{"op": "add", "path": "/spec/template/spec/containers/0/env", "value": [variable]}]
        assert (await api.patch(api.apps("deployments", "web"), patch, "json")).status_code == 200
        done = await eventually(lambda: _rolled(api, "web"))
        assert done is not None
        assert done["metadata"]["annotations"][REVISION] == revision
    found = await api.read(api.apps("deployments", "web"))
    conditions = {entry["type"]: entry for entry in found["status"]["conditions"]}
    assert conditions["Progressing"]["reason"] == "NewReplicaSetAvailable"
    assert conditions["Available"]["reason"] == "MinimumReplicasAvailable"


async def test_the_generation_counts_the_spec_and_not_the_status(api: Api) -> None:
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=0))
    before = await api.read(api.apps("deployments", "web"))
    labelled = await api.patch(api.apps("deployments", "web"), {"metadata": {"labels": {"x": "1"}}})
    assert labelled.json()["metadata"]["generation"] == before["metadata"]["generation"]
    changed = await api.patch(api.apps("deployments", "web"), {"spec": {"minReadySeconds": 1}})
    assert changed.json()["metadata"]["generation"] == before["metadata"]["generation"] + 1


async def test_the_spec_cannot_be_changed_through_the_status(api: Api) -> None:
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=0))
    path = api.apps("deployments", "web") + "/status"
    reply = await api.patch(path, {"spec": {"replicas": 7}, "status": {"collisionCount": 3}})
    assert reply.status_code == 200
    assert reply.json()["spec"]["replicas"] == 0
    assert reply.json()["status"]["collisionCount"] == 3


async def test_scale_reads_and_writes_the_replicas(api: Api) -> None:
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=0))
    path = api.apps("deployments", "web") + "/scale"
    scale = await api.read(path)
    assert (scale["kind"], scale["apiVersion"], scale["spec"].get("replicas", 0)) == ("Scale", "autoscaling/v1", 0)
    scale["spec"]["replicas"] = 1
    # Without a version: the controller may write the status at any time.
    del scale["metadata"]["resourceVersion"]
    assert (await api.client.put(path, json=scale)).status_code == 200
    assert (await api.read(api.apps("deployments", "web")))["spec"]["replicas"] == 1
    scale["metadata"]["resourceVersion"] = "1"
    assert (await api.client.put(path, json=scale)).status_code == 409


async def test_endpoint_slices_follow_readiness(api: Api) -> None:
    _needs_pods(api)
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=1))
    port = {"name": "http", "port": 80, "targetPort": "http"}
    await api.make(
        api.core("services"), {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [port]}}
    )
    place = f"/apis/discovery.k8s.io/v1/namespaces/{api.namespace}/endpointslices"

    async def ready() -> list[dict[str, Any]]:
        page = await api.read(place, labelSelector="kubernetes.io/service-name=web")
        return [
            endpoint
            for item in page["items"]
            for endpoint in item["endpoints"] or []
            if endpoint["conditions"]["ready"]
        ]

    (endpoint,) = await eventually(ready)
    assert endpoint["targetRef"]["kind"] == "Pod"
    await api.patch(api.core("services", "web"), {"spec": {"selector": {"tier": "none"}}})

    async def empty() -> bool:
        return not await ready()

    assert await eventually(empty)


async def test_a_quota_refuses_the_pod_in_the_words_of_the_api_server(api: Api) -> None:
    await api.make(api.core("resourcequotas"), {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "1"}}})

    async def counted() -> bool:
        found = await api.read(api.core("resourcequotas", "small"))
        return "pods" in found.get("status", {}).get("used", {})

    await eventually(counted)
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=2))

    async def failure() -> str:
        for item in (await api.read(api.apps("replicasets")))["items"]:
            for condition in item.get("status", {}).get("conditions", []):
                if condition["type"] == "ReplicaFailure":
                    return f"{condition['reason']} {condition['message']}"
        return ""

    text = await eventually(failure)
    assert text.startswith('FailedCreate pods "web-')
    assert text.endswith("is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1")


async def test_an_eviction_waits_for_the_disruption_budget(api: Api) -> None:
    _needs_pods(api)
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=1))
    await eventually(lambda: _rolled(api, "web"))
    budget = {"metadata": {"name": "keep"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}}
    place = f"/apis/policy/v1/namespaces/{api.namespace}/poddisruptionbudgets"
    await api.make(place, budget)

    async def counted() -> bool:
        return bool((await api.read(f"{place}/keep")).get("status", {}).get("expectedPods"))

    await eventually(counted)
    (pod,) = (await api.read(api.core("pods")))["items"]
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    refused = await api.client.post(api.core("pods", name) + "/eviction", json=eviction)
    assert (refused.status_code, refused.json()["reason"]) == (429, "TooManyRequests")
    assert "disruption budget" in refused.json()["message"]
    await api.client.delete(f"{place}/keep")
    granted = await api.client.post(api.core("pods", name) + "/eviction", json=eviction)
    assert granted.status_code == 201, granted.text


async def test_a_claim_that_is_deleted_stays_until_its_controller_lets_it_go(api: Api) -> None:
    spec = {
        "storageClassName": "nowhere",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    made = await api.make(api.core("persistentvolumeclaims"), body)
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    path = api.core("persistentvolumeclaims", "data")
    reply = await api.client.delete(path)
    assert reply.json()["metadata"]["deletionTimestamp"]

    async def gone() -> bool:
        return (await api.client.get(path)).status_code == 404

    assert await eventually(gone)


async def test_the_api_server_counts_the_templates_of_a_daemon_set_in_an_annotation(api: Api) -> None:
    counted = "deprecated.daemonset.template.generation"
    workload = deployment("agent", api.image)
    spec = {key: workload["spec"][key] for key in ("selector", "template")}
    spec["template"]["spec"]["nodeSelector"] = {"nowhere": "true"}
    made = await api.make(api.apps("daemonsets"), {**workload, "kind": "DaemonSet", "spec": spec})
    assert made["metadata"]["annotations"][counted] == "1"
    path = api.apps("daemonsets", "agent")
    same = await api.patch(path, {"spec": {"minReadySeconds": 1}})
    assert same.json()["metadata"]["annotations"][counted] == "1"
    other = await api.patch(path, {"spec": {"template": {"metadata": {"labels": {"tier": "node"}}}}})
    assert other.json()["metadata"]["annotations"][counted] == "2"


async def test_deleting_a_deployment_takes_its_replica_sets_along(api: Api) -> None:
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=0))

    async def some() -> bool:
        return bool((await api.read(api.apps("replicasets")))["items"])

    await eventually(some)
    await api.client.delete(api.apps("deployments", "web"))

    async def none() -> bool:
        return not await some()

    assert await eventually(none)


async def test_the_log_of_a_running_container_can_be_read(api: Api) -> None:
    _needs_pods(api)
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=1))
    await eventually(lambda: _rolled(api, "web"))
    (pod,) = (await api.read(api.core("pods")))["items"]
    path = api.core("pods", pod["metadata"]["name"]) + "/log"
    assert (await api.client.get(path, params={"tailLines": "5"})).status_code == 200
    missing = await api.client.get(path, params={"previous": "true"})
    assert (missing.status_code, missing.json()["reason"]) == (400, "BadRequest")
