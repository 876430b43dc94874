"""The role that the documents give out, against an API server that enforces it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.domain.changes import ObjectDeletion
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import Forbidden
from kubernaut.domain.objects import JsonObject, ObjectRef, Uid
from kubernaut.investigation.diagnosing import survey
from kubernaut.investigation.further_reading import FurtherReading
from kubernaut.investigation.gathering import BUDGET
from kubernaut.investigation.inquiry import first_survey, inquire
from kubernaut.investigation.model_tools import KINDS
from kubernaut.ports import Resource
from kubernaut.resources import POD, RESOURCES
from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING

ROLE = yaml.safe_load((Path(__file__).resolve().parents[3] / "docs" / "read-only-role.yaml").read_text())


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[KubernetesApi]:
    """The API server for an account that is bound to the role and to nothing else."""
    async with Sandbox(tokens={"sesame": "system:serviceaccount:ops:kubernaut"}) as sandbox:
        by = By("test")
        sandbox.cluster.create(CLUSTER_ROLE, "", ROLE, by)
        subject: JsonObject = {"kind": "ServiceAccount", "namespace": "ops", "name": "kubernaut"}
        role: JsonObject = {"kind": "ClusterRole", "name": ROLE["metadata"]["name"]}
        binding: JsonObject = {"metadata": {"name": "read"}, "roleRef": role, "subjects": [subject]}
        sandbox.cluster.create(CLUSTER_ROLE_BINDING, "", binding, by)
        kubeconfig: JsonObject = {
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": sandbox.url}}],
            "users": [{"name": "u", "user": {"token": "sesame"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(kubeconfig))
        async with KubernetesApi(ClusterOptions(kubeconfig=str(path))) as connected:
            yield connected


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.plural)
async def test_every_kind_that_a_rule_can_ask_for_is_served_and_may_be_listed(
    api: KubernetesApi, resource: Resource
) -> None:
    listing = await KubernetesReader(api).list(resource, "default" if resource.namespaced else "")
    assert listing.complete


async def test_a_survey_by_that_account_leaves_nothing_unread(api: KubernetesApi) -> None:
    scene, _ = await inquire(KubernetesReader(api), SystemClock(), first_survey([""]), survey)
    assert scene.not_read == ()
    assert scene.all("Node")


async def test_a_model_may_look_up_every_kind_with_that_role_and_no_look_fails(api: KubernetesApi) -> None:
    """Through the real reader: names and selectors are as the API server wants them."""
    target = ObjectRef("apps/v1", "Deployment", "kube-system", "coredns")
    enough = replace(BUDGET, calls=1000)
    reader = KubernetesReader(api)
    pods = (await reader.list(POD, "kube-system")).items
    questions: list[tuple[str, JsonObject]] = [("list_changes", {})]
    questions += [("get_object", {"kind": kind, "name": "worker-1"}) for kind in KINDS]
    questions += [("read_events", {"kind": kind, "name": "worker-1"}) for kind in ("Pod", "Node", "Deployment")]
    questions += [
        ("read_logs", {"pod": pod.name, "container": pod.trees("spec", "containers")[0].text("name")})
        for pod in pods[:1]
    ]
    for tool, arguments in questions:
        # A question's own bound on the number of looks is not what is tried here.
        looked = await FurtherReading(reader, SystemClock(), None, Diagnosis(target, (), ()), enough).look(
            tool, arguments
        )
        assert looked.facts or looked.note in {"no rollout is kept", "the log is empty", "there is no such log"}, looked


async def test_the_role_gives_no_right_to_change_anything(api: KubernetesApi) -> None:
    assert {verb for rule in ROLE["rules"] for verb in rule["verbs"]} == {"get", "list"}
    with pytest.raises(Forbidden):
        await KubernetesWriter(api).write(ObjectDeletion(ObjectRef("v1", "Node", "", "worker-1"), Uid("x")))
