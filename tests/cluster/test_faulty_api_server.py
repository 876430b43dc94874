"""Each write of a remedy is spoilt once in each way before a real API server: the end is mended, undone or reported.

The kinds of writes that there are: a patch, a patch of a subresource, a deletion, an eviction, a creation, and several
of them in a sequence.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.domain.errors import ClusterError
from kubernaut.domain.execution import Applied, Execution, Intent
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply, undo
from tests.cluster.cluster import Cluster
from tests.cluster.faulty_proxy import FaultyProxy, Spoilt, faulty_proxy
from tests.cluster.staged_town import OlderNamespaces, PassingClock, Sight, StagedTown, opened
from tests.remedies import CASES, Case, has_effect, names
from tests.retrying import retried

CATALOGUE = discover()
WRITING = (
    *("fix_service_selector", "scale_workload", "restart_pod", "recreate_service", "drain_node"),
    *("recreate_pvc", "quarantine_pod", "delete_evicted_pods"),
)
# What these actions look at and write: a part of the town is made sooner than the whole.
KINDS = (
    *("Deployment", "StatefulSet", "ReplicaSet", "Pod", "Service", "NetworkPolicy", "Node"),
    *("PersistentVolumeClaim", "StorageClass"),
)
PLAYED = [case for case in CASES if case.action in WRITING]


@pytest.fixture
async def town(bare: Cluster) -> AsyncIterator[StagedTown]:
    async with opened(bare.kubeconfig) as api:
        town = StagedTown(api)
        await town.once()
        yield town


async def anew(town: StagedTown) -> Sight:
    await town.clear()
    await town.build(of=KINDS)
    return await town.look(at=KINDS)


@pytest.mark.parametrize("case", PLAYED, ids=names)
async def test_a_spoilt_write_ends_mended_undone_or_reported(
    case: Case, bare: Cluster, town: StagedTown, tmp_path: Path
) -> None:
    async with (
        faulty_proxy(bare.kubeconfig, tmp_path) as (proxy, kubeconfig),
        opened(kubeconfig, read_timeout_s=1.0, deadline_s=2.0) as api,
    ):
        proxy.delete = lambda: town.delete(case.target)
        ports = ExecutionPorts(OlderNamespaces(api), KubernetesWriter(api), PassingClock(town), CATALOGUE)
        before = await anew(town)
        writes = await _counted(ports, proxy, case)
        assert writes
        for at, spoilt in product(range(1, writes + 1), Spoilt):
            if (await town.look(at=KINDS)).contents(pods=True) != before.contents(pods=True):
                before = await anew(town)
            intent = await _intended(ports, case)
            proxy.begin(spoilt, at)
            outcome = await retried(partial(apply, ports, intent))
            proxy.begin(None, 0)
            await town.finish_deletions()
            where = f"write {at} of {writes}, {spoilt}: {outcome}"
            await _ended_honestly(case, town, before, outcome, spoilt, where)
            if intent.can_be_undone and _is_done(outcome) and spoilt is not Spoilt.DELETED:
                await _can_be_taken_back(ports, town, intent, before, where)


def _is_done(outcome: Execution | ClusterError) -> bool:
    return not isinstance(outcome, ClusterError) and outcome.applied is not Applied.REFUSED


async def _intended(ports: ExecutionPorts, case: Case) -> Intent:
    intent = await intend(ports, case.call)
    assert isinstance(intent, Intent), intent
    return intent


async def _counted(ports: ExecutionPorts, proxy: FaultyProxy, case: Case) -> int:
    intent = await _intended(ports, case)
    proxy.begin(None, 0)
    await apply(ports, intent)
    return proxy.writes


async def _ended_honestly(
    case: Case, town: StagedTown, before: Sight, outcome: Execution | ClusterError, spoilt: Spoilt, where: str
) -> None:
    if isinstance(outcome, ClusterError):
        assert not outcome.retryable, where
    elif outcome.applied is Applied.REFUSED:
        assert outcome.reason
    elif "not done" not in outcome.reason and spoilt is not Spoilt.DELETED:
        assert await has_effect(case, town.reader), where
    if not _is_done(outcome) and spoilt is not Spoilt.DELETED:
        assert (await town.look(at=KINDS)).contents(pods=False) == before.contents(pods=False), where


async def _can_be_taken_back(
    ports: ExecutionPorts, town: StagedTown, intent: Intent, before: Sight, where: str
) -> None:
    back = await undo(ports, intent)
    assert back.applied is not Applied.REFUSED, f"{where}; {back.reason}"
    await town.finish_deletions()
    assert (await town.look(at=KINDS)).contents(pods=False) == before.contents(pods=False), where
