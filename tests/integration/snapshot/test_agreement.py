"""A saved cluster is diagnosed as the live one is: scenarios of the sandbox, live, captured, dumped and pasted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.snapshot.capture import capture, write_archive
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.reader import SnapshotClock, SnapshotReader
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.investigation.diagnosing import survey
from kubernaut.investigation.gathering import BUDGET
from kubernaut.investigation.inquiry import first_survey, inquire
from kubernaut.ports import Clock, ClusterReader
from kubernaut.resources import RESOURCES
from kubernaut.sandbox.scenarios import SCENARIOS
from tests.stills import KUBECTL, Still, still_of

needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed: it makes the transcripts")
# What an engineer runs: the overview, then everything about the namespace in question.
OVERVIEW = ("get all -A -o wide", "get pods -A -o wide --show-labels", "get nodes -o wide", "describe nodes")
OF_NAMESPACE = ("get events", "describe pods,deploy,rs,svc,quota,cm", "get secrets,endpoints")
# The tests of one scenario stay on one worker, where its cluster is built once.
_EACH = [pytest.param(each, id=each.name, marks=pytest.mark.xdist_group(each.name)) for each in SCENARIOS]
# Lists and YAML hold the objects whole, whatever is wrong with them: some scenarios stand for all. What kubectl tells
# in words is also looked at in `test_peoples_tickets`.
_SOME = pytest.mark.parametrize("still", _EACH[::3], indirect=True)
_HALF = pytest.mark.parametrize("still", _EACH[1::2], indirect=True)


@pytest.fixture(scope="module", params=_EACH)
def still(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Still]:
    with still_of(request.param, tmp_path_factory.mktemp("still")) as made:
        yield made


@pytest.fixture(scope="module")
def live(still: Still) -> list[Diagnosis]:
    """What is said of the live cluster, captured on the way."""

    async def look() -> list[Diagnosis]:
        async with KubernetesApi(ClusterOptions(kubeconfig=str(still.kubeconfig))) as api:
            reader = KubernetesReader(api)
            manifest, captured = await capture(reader, still.universe.clock, "", made_by="a test", say=lambda _: None)
            write_archive(still.folder / "captured.tar.gz", manifest, captured)
            return await looked(reader, still.universe.clock, ("",))

    return asyncio.run(look())


async def looked(reader: ClusterReader, clock: Clock, namespaces: tuple[str, ...]) -> list[Diagnosis]:
    _, found = await inquire(reader, clock, first_survey(namespaces), survey, replace(BUDGET, calls=1000))
    return found


def looked_back(path: Path) -> list[Diagnosis]:
    snapshot = read_snapshot(path)
    return asyncio.run(looked(SnapshotReader(snapshot), SnapshotClock(snapshot.now), snapshot.namespaces or ("",)))


def answers(diagnoses: list[Diagnosis]) -> list[tuple[str, str]]:
    return [(one.best.cause, str(one.best.target)) for one in diagnoses if one.best]


def test_a_captured_cluster_has_the_same_diagnosis_to_the_last_fact(still: Still, live: list[Diagnosis]) -> None:
    assert looked_back(still.folder / "captured.tar.gz") == live
    expected = {(cause, str(still.scenario.target)) for cause in still.scenario.causes}
    assert still.scenario.control or set(answers(live)) <= expected


@_SOME
def test_saved_lists_have_the_same_cause_and_target(still: Still, live: list[Diagnosis]) -> None:
    folder = still.folder / "lists"
    folder.mkdir()
    with httpx2.Client(base_url=still.url) as client:
        for resource in RESOURCES:
            group = "/api/v1" if resource.api_version == "v1" else f"/apis/{resource.api_version}"
            reply = client.get(f"{group}/{resource.plural}")
            if reply.status_code == 200:
                (folder / f"{resource.plural}.json").write_bytes(reply.content)
    assert answers(looked_back(folder)) == answers(live)


@_SOME
@needs_kubectl
def test_objects_saved_by_kubectl_as_yaml_have_the_same_cause_and_target(still: Still, live: list[Diagnosis]) -> None:
    kinds = "nodes,namespaces,deployments,replicasets,pods,services,endpointslices,configmaps,events,resourcequotas"
    printed = still.kubectl(f"get {kinds} -A -o yaml").partition("\n")[2]
    path = still.folder / "saved.yaml"
    path.write_text(printed)
    assert answers(looked_back(path)) == answers(live)


@_HALF
@needs_kubectl
def test_a_transcript_has_the_same_cause_and_target(still: Still, live: list[Diagnosis]) -> None:
    path = still.folder / "ticket.txt"
    path.write_text(transcript(still))
    assert answers(looked_back(path)) == answers(live)


def transcript(still: Still) -> str:
    namespace = still.scenario.target.namespace or "fleet"
    parts = [still.kubectl(command) for command in OVERVIEW]
    parts += [still.kubectl(f"{command} -n {namespace}") for command in OF_NAMESPACE]
    pods = json.loads(still.kubectl(f"get pods -n {namespace} -o json").partition("\n")[2])["items"]
    for pod in pods:
        if not all(status["ready"] for status in pod["status"].get("containerStatuses", [])):
            name = pod["metadata"]["name"]
            parts += [still.kubectl(f"logs {name} -n {namespace}{part}") for part in ("", " --previous")]
    return "\n".join(parts)
