from __future__ import annotations

import pytest

from .conftest import Api, deployment, settings


async def test_a_created_object_has_identity_and_time(api: Api) -> None:
    made = await api.make(api.core("configmaps"), settings("one", A="1"))
    metadata = made["metadata"]
    assert metadata["uid"]
    assert metadata["resourceVersion"].isdigit()
    assert metadata["creationTimestamp"].endswith("Z")
    assert await api.read(api.core("configmaps", "one")) == made


async def test_a_missing_object_is_a_status_404(api: Api) -> None:
    reply = await api.client.get(api.core("configmaps", "none"))
    assert reply.status_code == 404
    body = reply.json()
    assert (body["kind"], body["status"], body["reason"], body["code"]) == ("Status", "Failure", "NotFound", 404)
    assert body["message"] == 'configmaps "none" not found'
    assert body["details"] == {"name": "none", "kind": "configmaps"}


async def test_creating_twice_is_already_exists(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one"))
    reply = await api.client.post(api.core("configmaps"), json=settings("one"))
    assert (reply.status_code, reply.json()["reason"]) == (409, "AlreadyExists")


async def test_a_generated_name_starts_with_its_prefix(api: Api) -> None:
    made = await api.make(api.core("configmaps"), {"metadata": {"generateName": "part-"}})
    assert made["metadata"]["name"].startswith("part-")
    assert len(made["metadata"]["name"]) == len("part-") + 5


async def test_a_list_goes_page_by_page_to_its_end(api: Api) -> None:
    for number in range(5):
        await api.make(api.core("configmaps"), settings(f"page-{number}", {"set": "pages"}))
    names: list[str] = []
    query = {"labelSelector": "set=pages", "limit": "2"}
    while True:
        page = await api.read(api.core("configmaps"), **query)
        assert page["kind"] == "ConfigMapList"
        names += [item["metadata"]["name"] for item in page["items"]]
        if not page["metadata"].get("continue"):
            break
        query["continue"] = page["metadata"]["continue"]
    assert names == [f"page-{number}" for number in range(5)]


async def test_items_of_a_list_carry_no_kind(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one"))
    page = await api.read(api.core("configmaps"))
    assert all("kind" not in item for item in page["items"])


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier=web", {"a"}),
        ("tier!=web,keep", {"b"}),
        ("tier in (web, api)", {"a", "b"}),
        ("tier notin (web),keep", {"b"}),
        ("!tier,keep", set()),
    ],
)
async def test_label_selectors_choose(api: Api, selector: str, expected: set[str]) -> None:
    await api.make(api.core("configmaps"), settings("a", {"tier": "web", "keep": "1"}))
    await api.make(api.core("configmaps"), settings("b", {"tier": "api", "keep": "1"}))
    page = await api.read(api.core("configmaps"), labelSelector=selector)
    assert {item["metadata"]["name"] for item in page["items"]} == expected


async def test_field_selectors_choose_and_unknown_fields_are_refused(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("a"))
    await api.make(api.core("configmaps"), settings("b"))
    page = await api.read(api.core("configmaps"), fieldSelector="metadata.name=b")
    assert [item["metadata"]["name"] for item in page["items"]] == ["b"]
    reply = await api.client.get(api.core("configmaps"), params={"fieldSelector": "data.A=1"})
    assert reply.status_code == 400


async def test_an_update_from_an_old_version_conflicts(api: Api) -> None:
    made = await api.make(api.core("configmaps"), settings("one", A="1"))
    first = await api.client.put(api.core("configmaps", "one"), json={**made, "data": {"A": "2"}})
    assert first.status_code == 200
    second = await api.client.put(api.core("configmaps", "one"), json={**made, "data": {"A": "3"}})
    assert (second.status_code, second.json()["reason"]) == (409, "Conflict")
    assert "the object has been modified" in second.json()["message"]


async def test_a_write_that_changes_nothing_keeps_the_version(api: Api) -> None:
    made = await api.make(api.core("configmaps"), settings("one", A="1"))
    reply = await api.patch(api.core("configmaps", "one"), {"data": {"A": "1"}})
    assert reply.json()["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_a_json_patch_with_a_failing_test_changes_nothing(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one", A="1"))
    operations = [
        {"op": "test", "path": "/data/A", "value": "other"},
        {"op": "replace", "path": "/data/A", "value": "2"},
    ]
    reply = await api.patch(api.core("configmaps", "one"), operations, "json")
    assert (reply.status_code, reply.json()["reason"]) == (422, "Invalid")
    assert (await api.read(api.core("configmaps", "one")))["data"] == {"A": "1"}


async def test_a_json_patch_applies_at_the_tested_version_alone(api: Api) -> None:
    made = await api.make(api.core("configmaps"), settings("one", A="1"))
    version = made["metadata"]["resourceVersion"]
    patch = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/data/A", "value": "2"},
    ]
    assert (await api.patch(api.core("configmaps", "one"), patch, "json")).status_code == 200
    again = await api.patch(api.core("configmaps", "one"), patch, "json")
    assert (again.status_code, again.json()["reason"]) == (409, "Conflict")


async def test_a_merge_patch_removes_what_is_null(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one", A="1", B="2"))
    reply = await api.patch(api.core("configmaps", "one"), {"data": {"A": None, "C": "3"}})
    assert reply.json()["data"] == {"B": "2", "C": "3"}


async def test_a_strategic_patch_merges_containers_by_name(api: Api) -> None:
    await api.make(api.apps("deployments"), deployment("web", api.image, replicas=0))
    containers = [{"name": "app", "env": [{"name": "A", "value": "1"}]}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    reply = await api.patch(api.apps("deployments", "web"), patch, "strategic-merge")
    assert reply.status_code == 200, reply.text
    container = reply.json()["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert container["resources"]["limits"] == {"memory": "64Mi"}


async def test_an_unknown_patch_type_is_415(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one"))
    headers = {"content-type": "application/unknown+json"}
    reply = await api.client.patch(api.core("configmaps", "one"), content=b"{}", headers=headers)
    assert (reply.status_code, reply.json()["reason"]) == (415, "UnsupportedMediaType")


async def test_a_dry_run_leaves_nothing_behind(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one"), dryRun="All")
    assert (await api.client.get(api.core("configmaps", "one"))).status_code == 404
    made = await api.make(api.core("configmaps"), settings("two", A="1"))
    tried = await api.patch(api.core("configmaps", "two"), {"data": {"A": "2"}}, dryRun="All")
    assert tried.json()["data"] == {"A": "2"}
    assert await api.read(api.core("configmaps", "two")) == made
    reply = await api.client.delete(api.core("configmaps", "two"), params={"dryRun": "All"})
    assert reply.status_code == 200
    assert await api.read(api.core("configmaps", "two")) == made


async def test_a_delete_holds_to_the_uid_it_was_meant_for(api: Api) -> None:
    made = await api.make(api.core("configmaps"), settings("one"))
    other = {"preconditions": {"uid": "00000000-0000-4000-8000-000000000000"}}
    reply = await api.client.request("DELETE", api.core("configmaps", "one"), json=other)
    assert (reply.status_code, reply.json()["reason"]) == (409, "Conflict")
    right = {"preconditions": {"uid": made["metadata"]["uid"]}}
    reply = await api.client.request("DELETE", api.core("configmaps", "one"), json=right)
    assert reply.status_code == 200
    assert (await api.client.get(api.core("configmaps", "one"))).status_code == 404


async def test_managed_fields_name_the_manager_and_the_field(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one", A="1", B="1"), fieldManager="first")
    reply = await api.patch(api.core("configmaps", "one"), {"data": {"A": "2"}}, fieldManager="second")
    owned = {entry["manager"]: entry["fieldsV1"] for entry in reply.json()["metadata"]["managedFields"]}
    assert "f:A" in owned["second"]["f:data"]
    assert "f:A" not in owned["first"]["f:data"]
    assert "f:B" in owned["first"]["f:data"]


async def test_an_invalid_object_is_422_with_the_field(api: Api) -> None:
    body = deployment("web", api.image)
    body["spec"]["selector"]["matchLabels"] = {"app": "other"}
    reply = await api.client.post(api.apps("deployments"), json=body)
    assert (reply.status_code, reply.json()["reason"]) == (422, "Invalid")
    assert "spec.template.metadata.labels" in {cause["field"] for cause in reply.json()["details"]["causes"]}


async def test_a_bad_name_is_422(api: Api) -> None:
    reply = await api.client.post(api.core("configmaps"), json=settings("Not_A_Name"))
    assert reply.status_code == 422
    assert reply.json()["details"]["causes"][0]["field"] == "metadata.name"


async def test_a_body_that_is_no_json_is_400(api: Api) -> None:
    headers = {"content-type": "application/json"}
    reply = await api.client.post(api.core("configmaps"), content=b"{", headers=headers)
    assert reply.status_code == 400


async def test_access_reviews_allow_the_administrator(api: Api) -> None:
    attributes = {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": api.namespace}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    made = await api.make("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    assert made["status"]["allowed"] is True


async def test_discovery_names_groups_resources_and_version(api: Api) -> None:
    groups = {group["name"] for group in (await api.read("/apis"))["groups"]}
    assert {"apps", "batch", "policy", "discovery.k8s.io", "coordination.k8s.io"} <= groups
    resources = {entry["name"] for entry in (await api.read("/apis/apps/v1"))["resources"]}
    assert {"deployments", "deployments/scale", "deployments/status", "replicasets"} <= resources
    assert (await api.read("/version"))["gitVersion"].startswith("v1.")
