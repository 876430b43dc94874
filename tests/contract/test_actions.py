"""Every action of the catalogue, against the API server's rules in memory and over HTTP with the roles enforced."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.execution import Applied, Intent, Refused
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.execution.catalogue import discover
from kubernaut.execution.permissions import missing_rights, permissions_of
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.roles import Account, _binding, _role, write_roles
from kubernaut.execution.sequences import apply, undo
from kubernaut.ports import ClusterReader, ClusterWriter
from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.controllers.claims import Claims
from kubernaut.sandbox.defaulting import apply_defaults
from kubernaut.sandbox.kinds import BY_NAME, CLAIM, NAMESPACE
from kubernaut.sandbox.simulation import Simulation
from tests.remedies import CASES, Case, StillClock, contents, has_effect, names, town

CATALOGUE = discover()
ACCOUNT = Account("ops", "kubernaut")
CHANGING = {action.id for action in CATALOGUE if action.changes}


@dataclass
class Bed:
    """A cluster with the town in it: the account's ports, and a fresh reader beside them."""

    reader: ClusterReader
    writer: ClusterWriter
    fresh: ClusterReader
    clock: StillClock = field(default_factory=StillClock)

    @property
    def ports(self) -> ExecutionPorts:
        return ExecutionPorts(self.reader, self.writer, self.clock, CATALOGUE)


class Server:
    """The simulated API server without controllers, so that only the action changes anything."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        for raw in town():
            item = dict(raw)
            apply_defaults(item)
            kind = BY_NAME[str(item["apiVersion"]), str(item["kind"])]
            if kind is not NAMESPACE:
                sandbox.cluster.storage.put(kind, item)
        namespace = next(raw for raw in town() if raw["kind"] == "Namespace")
        sandbox.cluster.storage.put(NAMESPACE, namespace)

    def allow(self, *documents: JsonObject) -> None:
        for document in documents:
            item = KubeObject(document)
            kind = BY_NAME[item.text("apiVersion"), item.kind]
            self.sandbox.cluster.create(kind, item.namespace, document, By("test"))

    def allow_exactly(self, action: str, *, write: bool = True) -> None:
        only = CATALOGUE.only(frozenset({action}))
        self.allow(
            _role("ClusterRole", "exact-read", "", permissions_of(only).reads),
            _binding("ClusterRoleBinding", "exact-read", "", ACCOUNT),
        )
        if write:
            self.allow(*write_roles(only, ACCOUNT, ["shop"]))

    def api(self, token: str) -> KubernetesApi:
        kubeconfig: JsonObject = {
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": self.sandbox.url}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
        path = self.folder / f"{token}.json"
        path.write_text(json.dumps(kubeconfig))
        return KubernetesApi(ClusterOptions(kubeconfig=str(path)))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    tokens = {"account": "system:serviceaccount:ops:kubernaut", "people": "kubernetes-admin"}
    sandbox = Sandbox(nodes=0, tokens=tokens)
    sandbox.universe.simulation = Simulation(sandbox.cluster.storage, [])
    async with sandbox:
        yield Server(sandbox, tmp_path)


class LettingGo(StillClock):
    """Time in which the one controller works that lets deleted claims go."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._claims, self._storage = Claims(sandbox.cluster), sandbox.cluster.storage

    async def sleep(self, duration: timedelta) -> None:
        await super().sleep(duration)
        for claim in self._storage.views(CLAIM):
            if claim.has("metadata", "deletionTimestamp"):
                self._claims.reconcile((claim.namespace, claim.name), self.now())


@pytest.fixture
async def over_http(server: Server) -> AsyncIterator[Bed]:
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(server.api("account"))
        fresh = await stack.enter_async_context(server.api("people"))
        clock = LettingGo(server.sandbox)
        yield Bed(KubernetesReader(api), KubernetesWriter(api), KubernetesReader(fresh), clock)


def in_memory() -> tuple[Bed, MemoryCluster]:
    cluster = MemoryCluster(town())
    return Bed(cluster, cluster, cluster), cluster


async def intended(bed: Bed, case: Case) -> Intent:
    intent = await intend(bed.ports, case.call)
    assert isinstance(intent, Intent), intent
    return intent


def test_every_action_that_changes_the_cluster_is_tried_here() -> None:
    assert {case.action for case in CASES} == CHANGING


@pytest.mark.parametrize("case", CASES, ids=names)
async def test_a_preview_says_what_would_change_and_changes_nothing(case: Case) -> None:
    bed, cluster = in_memory()
    before = contents(cluster)
    intent = await intended(bed, case)
    assert intent.preview.diff
    assert any(character.isdigit() for character in intent.preview.reach)
    assert contents(cluster) == before


@pytest.mark.parametrize("case", CASES, ids=names)
async def test_no_action_reports_success_without_its_effect(case: Case) -> None:
    bed, cluster = in_memory()
    assert not await has_effect(case, cluster)
    if case.action == "rotate_secret":
        pytest.skip("its second half waits for an owner, and has tests of its own")
    execution = await apply(bed.ports, await intended(bed, case))
    assert execution.applied is Applied.DONE, execution.reason
    assert await has_effect(case, cluster)


@pytest.mark.parametrize("case", CASES, ids=names)
async def test_what_can_be_taken_back_leaves_no_trace(case: Case) -> None:
    bed, cluster = in_memory()
    before = contents(cluster)
    intent = await intended(bed, case)
    await apply(bed.ports, intent)
    action = CATALOGUE[case.action]
    back = await undo(bed.ports, intent)
    if not action.reversible or action.replaced:
        assert (back.applied, intent.can_be_undone) == (Applied.REFUSED, False)
        return
    assert back.applied is Applied.DONE, back.reason
    made_anew = case.action != "quarantine_pod"
    pods = {address for address in before if address.kind == "Pod" and made_anew}
    left = contents(cluster)
    assert {k: v for k, v in left.items() if k not in pods} == {k: v for k, v in before.items() if k not in pods}
    assert (await undo(bed.ports, intent)).applied is Applied.ALREADY


@pytest.mark.parametrize("case", CASES, ids=names)
async def test_a_remedy_that_is_applied_twice_changes_the_cluster_once(case: Case) -> None:
    bed, cluster = in_memory()
    intent = await intended(bed, case)
    await apply(bed.ports, intent)
    version = cluster.changes.version
    await apply(bed.ports, intent)
    assert cluster.changes.version == version


@pytest.mark.parametrize("case", CASES, ids=names)
async def test_an_action_works_with_exactly_its_rendered_role(case: Case, server: Server, over_http: Bed) -> None:
    server.allow_exactly(case.action)
    only = CATALOGUE.only(frozenset({case.action}))
    assert await missing_rights(over_http.reader, only, "shop") == ()
    intent = await intended(over_http, case)
    execution = await apply(over_http.ports, intent)
    if case.action != "rotate_secret":
        assert execution.applied is Applied.DONE, execution.reason
    assert await has_effect(case, over_http.fresh)
    if intent.can_be_undone:
        back = await undo(over_http.ports, intent)
        assert back.applied is Applied.DONE, back.reason
        assert not await has_effect(case, over_http.fresh) or case.deletes


@pytest.mark.parametrize("case", CASES, ids=names)
async def test_an_action_without_its_role_is_refused_by_the_missing_right(
    case: Case, server: Server, over_http: Bed
) -> None:
    server.allow_exactly(case.action, write=False)
    answer = await intend(over_http.ports, case.call)
    assert isinstance(answer, Refused)
    assert answer.guard == "forbidden"
    assert "missing" in answer.reason
    assert answer.help == "kubernaut rbac render | kubectl apply -f -"
    assert not await has_effect(case, over_http.fresh)
