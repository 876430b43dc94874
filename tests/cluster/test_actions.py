"""Every action of the catalogue on a real API server, with the cases that the sandbox passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.domain.execution import Applied, Intent, Refused
from kubernaut.domain.objects import JsonObject
from kubernaut.execution.catalogue import Catalogue, Rule, discover
from kubernaut.execution.permissions import missing_rights, permissions_of
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.roles import Account, _binding, _role, write_roles
from kubernaut.execution.sequences import apply, undo
from tests.cluster.cluster import Cluster
from tests.cluster.staged_town import OPS, OlderNamespaces, PassingClock, Sight, StagedTown, kubeconfig_with, opened
from tests.remedies import CASES, Case, has_effect, names

CATALOGUE = discover()
NUMBERS = count(1)


@dataclass
class Standing:
    """Whether the town stands as it was built: what was taken back whole need not be built anew."""

    is_whole: bool = False


@pytest.fixture(scope="module")
def standing() -> Standing:
    return Standing()


@pytest.fixture
async def staged(bare: Cluster, standing: Standing) -> AsyncIterator[StagedTown]:
    async with opened(bare.kubeconfig) as api:
        town = StagedTown(api)
        if not standing.is_whole:
            await town.once()
            await town.clear()
            await town.build()
        standing.is_whole = False
        yield town


@dataclass
class Actor:
    """An account that may read what the action reads, and change what it changes once it is allowed."""

    town: StagedTown
    ports: ExecutionPorts
    account: Account
    only: Catalogue

    async def allow_writing(self) -> None:
        """Binds what `kubernaut rbac render` prints for the action alone, and waits until the server knows it."""
        await self.town.allow(*self._own(write_roles(self.only, self.account, ["shop"])))
        async with asyncio.timeout(30):
            while await missing_rights(self.ports.reader, self.only, "shop"):
                await asyncio.sleep(0.02)

    def _own(self, documents: list[JsonObject]) -> list[JsonObject]:
        """The same under names of this test's own: the server may remember those of another for a moment."""
        named = []
        for document in documents:
            metadata, reference = document["metadata"], document.get("roleRef")
            assert isinstance(metadata, dict)
            made: JsonObject = {**document, "metadata": {**metadata, "name": f"{metadata['name']}-{self.account.name}"}}
            if isinstance(reference, dict):
                made["roleRef"] = {**reference, "name": f"{reference['name']}-{self.account.name}"}
            named.append(made)
        return named


async def _as_account(stack: AsyncExitStack, town: StagedTown, bare: Cluster, action: str, folder: Path) -> Actor:
    account = Account(OPS, f"kubernaut-{next(NUMBERS)}")
    only = CATALOGUE.only(frozenset({action}))
    await town.allow(
        _role("ClusterRole", f"exact-read-{account.name}", "", permissions_of(only).reads),
        _binding("ClusterRoleBinding", f"exact-read-{account.name}", "", account),
    )
    token = await town.token_of(account.name)
    api: KubernetesApi = await stack.enter_async_context(opened(kubeconfig_with(token, bare.kubeconfig, folder)))
    reader = OlderNamespaces(api)
    ports = ExecutionPorts(reader, KubernetesWriter(api), PassingClock(town), CATALOGUE)
    async with asyncio.timeout(30):
        while any(each.rule not in _split(only) for each in await missing_rights(reader, only, "shop")):
            await asyncio.sleep(0.02)
    return Actor(town, ports, account, only)


def _split(only: Catalogue) -> set[Rule]:
    """The rights to change something, one verb each."""
    return {Rule(each.api_group, each.resource, (verb,)) for each in permissions_of(only).writes for verb in each.verbs}


@pytest.mark.parametrize("case", CASES, ids=names)
async def test_an_action_does_on_the_real_api_server_what_it_does_on_the_sandbox(
    case: Case, bare: Cluster, staged: StagedTown, standing: Standing, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        actor = await _as_account(stack, staged, bare, case.action, tmp_path)
        before = await staged.look()
        await refused_without_its_role(actor, case)
        await actor.allow_writing()
        intent = await previewed(actor, case, before)
        await applied_once(actor, case, intent)
        after = await taken_back(actor, case, intent, before)
        standing.is_whole = after is not None and after.contents(pods=True) == before.contents(pods=True)


async def refused_without_its_role(actor: Actor, case: Case) -> None:
    answer = await intend(actor.ports, case.call)
    assert isinstance(answer, Refused), answer
    assert answer.guard == "forbidden", answer.reason
    assert answer.help == "kubernaut rbac render | kubectl apply -f -"
    assert not await has_effect(case, actor.town.reader)


async def previewed(actor: Actor, case: Case, before: Sight) -> Intent:
    """The dry run says what would change, and changes nothing; nor did the one that was refused."""
    intent = await intend(actor.ports, case.call)
    assert isinstance(intent, Intent), intent
    assert intent.preview.diff
    assert (await actor.town.look()).versions == before.versions
    return intent


async def applied_once(actor: Actor, case: Case, intent: Intent) -> None:
    execution = await apply(actor.ports, intent)
    if case.action != "rotate_secret":
        assert execution.applied is Applied.DONE, execution.reason
    assert await has_effect(case, actor.town.reader)
    once = await actor.town.look()
    await apply(actor.ports, intent)
    assert (await actor.town.look()).versions == once.versions


async def taken_back(actor: Actor, case: Case, intent: Intent, before: Sight) -> Sight | None:
    """What stands then; None where there is no way back."""
    back = await undo(actor.ports, intent)
    if not intent.can_be_undone:
        assert back.applied is Applied.REFUSED
        return None
    assert back.applied is Applied.DONE, back.reason
    await actor.town.finish_deletions()
    after = await actor.town.look()
    # Of what pods were before only a quarantine says something: all others are made anew by controllers.
    pods = case.action == "quarantine_pod"
    assert after.contents(pods=pods) == before.contents(pods=pods)
    assert (await undo(actor.ports, intent)).applied is Applied.ALREADY
    return after
