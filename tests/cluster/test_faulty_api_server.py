"""Each write of every action is spoilt once in each way before a real API server: mended, undone or reported.

The cases are played at once, each in a town of its own on the one server; what came of each is told by its own test.
"""

from __future__ import annotations

import asyncio
import traceback
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.domain.errors import ClusterError, KubernautError
from kubernaut.domain.execution import Applied, Execution, Intent
from kubernaut.domain.objects import KubeObject
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply, undo
from kubernaut.resources import VOLUME_CLAIM
from tests.cluster.cluster import Cluster
from tests.cluster.faulty_proxy import Elsewhere, FaultyProxy, Spoilt, faulty_proxy
from tests.cluster.staged_town import OlderNamespaces, PassingClock, Sight, StagedTown, opened
from tests.remedies import CASES, Case, has_effect, names, town
from tests.retrying import retried

CATALOGUE = discover()
AT_ONCE = 4


def plural(kind: str) -> str:
    word = kind.lower()
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}es" if word.endswith("s") else f"{word}s"


def kinds_of(case: Case) -> frozenset[str]:
    """What the action looks at and writes, with what that belongs to: such a part of the town is soon made."""
    action = CATALOGUE[case.action]
    named = {rule.resource.partition("/")[0] for rule in (*action.reads, *action.writes)}
    items = [KubeObject(raw) for raw in town()]
    kinds = {item.kind for item in items if plural(item.kind) in named} | {case.target.kind}
    while True:
        owners = {item.controller.kind for item in items if item.kind in kinds and item.controller}
        if owners <= kinds:
            return frozenset(kinds)
        kinds |= owners


@dataclass
class Play:
    """One case in its town: `ports` go through the spoiling proxy, the town's own ways do not."""

    case: Case
    town: StagedTown
    proxy: FaultyProxy
    ports: ExecutionPorts
    plain: ExecutionPorts

    @property
    def kinds(self) -> frozenset[str]:
        return kinds_of(self.case)

    async def look(self) -> Sight:
        """The town, without the nodes of other towns: those have other names."""
        seen = await self.town.look(at=self.kinds)
        own = {ref: item for ref, item in seen.items.items() if ref.kind != "Node" or ref.name.startswith("worker-")}
        return Sight(own)

    async def anew(self) -> Sight:
        await self.town.clear(of={*self.kinds, "Job", "NetworkPolicy", "RoleBinding"})
        await self.town.finish_deletions()
        await self.town.build(of=self.kinds)
        return await self.look()

    async def ready(self, before: Sight | None, left: Sight | None = None) -> tuple[Sight, Intent]:
        """The town as the action finds it, made anew where the last round left it otherwise, and the intent."""
        if before is not None and left is not None and left.contents(pods=True) == before.contents(pods=True):
            intent = await intend(self.plain, self.case.call)
            if isinstance(intent, Intent):
                return before, intent
        before = await self.anew()
        intent = await intend(self.plain, self.case.call)
        assert isinstance(intent, Intent), intent
        return before, intent

    async def go(self) -> None:
        await self.town.once()
        self.town.has_claims = VOLUME_CLAIM.kind in self.kinds
        before, intent = await self.ready(None)
        self.proxy.begin(None, 0)
        await apply(self.ports, intent)
        writes = self.proxy.writes
        assert writes
        left = None
        for at, spoilt in product(range(1, writes + 1), Spoilt):
            before, intent = await self.ready(before, left)
            left = await self.spoil(intent, at, spoilt, before, f"write {at} of {writes}, {spoilt}")

    async def spoil(self, intent: Intent, at: int, spoilt: Spoilt, before: Sight, where: str) -> Sight:
        """What stands after the round."""
        self.proxy.begin(spoilt, at)
        outcome = await retried(partial(apply, self.ports, intent))
        self.proxy.begin(None, 0)
        await self.town.finish_deletions()
        where = f"{where}: {outcome}"
        await self.ended_honestly(outcome, spoilt, where)
        taken_back = intent.can_be_undone and _is_done(outcome)
        if taken_back and spoilt is not Spoilt.DELETED:
            back = await undo(self.plain, intent)
            assert back.applied is not Applied.REFUSED, f"{where}; {back.reason}"
            await self.town.finish_deletions()
        left = await self.look()
        if spoilt is not Spoilt.DELETED and (taken_back or not _is_done(outcome)):
            assert left.contents(pods=False) == before.contents(pods=False), where
        return left

    async def ended_honestly(self, outcome: Execution | ClusterError, spoilt: Spoilt, where: str) -> None:
        if isinstance(outcome, ClusterError):
            assert not outcome.retryable, where
        elif outcome.applied is Applied.REFUSED:
            assert outcome.reason
        elif "not done" not in outcome.reason and spoilt is not Spoilt.DELETED:
            assert await has_effect(self.case, self.town.reader), where


def _is_done(outcome: Execution | ClusterError) -> bool:
    return not isinstance(outcome, ClusterError) and outcome.applied is not Applied.REFUSED


async def _played(case: Case, number: int, kubeconfig: Path, folder: Path, gate: asyncio.Semaphore) -> str:
    """What is wrong with the case; empty where nothing is."""
    elsewhere = Elsewhere(f"case-{number:02}")
    async with gate, AsyncExitStack() as stack:
        _, straight = await stack.enter_async_context(faulty_proxy(kubeconfig, folder, elsewhere))
        proxy, spoiling = await stack.enter_async_context(faulty_proxy(kubeconfig, folder, elsewhere))
        own: KubernetesApi = await stack.enter_async_context(opened(straight))
        api: KubernetesApi = await stack.enter_async_context(opened(spoiling, read_timeout_s=2.0, deadline_s=4.0))
        staged = StagedTown(own)
        proxy.delete = lambda: staged.delete(case.target)
        clock = PassingClock(staged)
        ports, plain = (
            ExecutionPorts(OlderNamespaces(each), KubernetesWriter(each), clock, CATALOGUE) for each in (api, own)
        )
        try:
            await Play(case, staged, proxy, ports, plain).go()
        except (AssertionError, KubernautError, ExceptionGroup) as error:
            return "".join(traceback.format_exception(error))
        return ""


async def _all_played(kubeconfig: Path, folder: Path) -> dict[str, str]:
    async with opened(kubeconfig) as api:
        await StagedTown(api).once()
    gate = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        tasks = {
            names(case): group.create_task(_played(case, number, kubeconfig, folder, gate))
            for number, case in enumerate(CASES, 1)
        }
    return {name: task.result() for name, task in tasks.items()}


@pytest.fixture(scope="module")
def played(bare: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return asyncio.run(_all_played(bare.kubeconfig, tmp_path_factory.mktemp("spoilt")))


@pytest.mark.parametrize("case", CASES, ids=names)
def test_a_spoilt_write_ends_mended_undone_or_reported(case: Case, played: dict[str, str]) -> None:
    assert played[names(case)] == ""


def test_every_action_that_changes_the_cluster_is_spoilt() -> None:
    assert {case.action for case in CASES} == {action.id for action in CATALOGUE if action.changes}
