"""Remedies of many objects while the API server is away for a while, or refuses both a part and its way back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.changes import Change, ObjectCreation, ObjectPatch
from kubernaut.domain.errors import ChangeRejected, ClusterUnavailable, Forbidden
from kubernaut.domain.execution import Applied, Execution, Intent
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply, undo
from kubernaut.ports import Listing, Resource
from tests.remedies import CASES, Case, Raw, StillClock, contents, has_effect, names, town

CATALOGUE = discover()
OF_MANY = ("rollback_statefulset", "drain_node", "recreate_pvc", "delete_evicted_pods", "quarantine_pod")
SEQUENCES = [case for case in CASES if case.action in OF_MANY]


class AwayCluster(MemoryCluster):
    """A cluster whose API server goes away at a call and stays away; `after` is whether it did what it was asked."""

    def __init__(self, away_at: int = 0, *, after: bool = False) -> None:
        super().__init__(town())
        self.away_at, self.after, self.calls = away_at, after, 0

    @property
    def _is_away(self) -> bool:
        return 0 < self.away_at <= self.calls

    def _call(self) -> None:
        self.calls += 1
        if self._is_away and not (self.after and self.calls == self.away_at):
            raise ClusterUnavailable("no answer")

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        self._call()
        return await super().get(ref)

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        self._call()
        return await super().list(resource, namespace, labels=labels, fields=fields, limit=limit)

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        self._call()
        written = await super().write(change, dry_run=dry_run, warned=warned)
        if self._is_away:
            raise ClusterUnavailable("cut; not known")
        return written


def ports(cluster: MemoryCluster) -> ExecutionPorts:
    return ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE)


def lasting(cluster: MemoryCluster) -> dict[ObjectRef, Raw]:
    return {address: body for address, body in contents(cluster).items() if address.kind != "Pod"}


async def previewed(case: Case, cluster: MemoryCluster) -> Intent:
    intent = await intend(ports(cluster), case.call)
    assert isinstance(intent, Intent), intent
    return intent


async def ended(cluster: AwayCluster, intent: Intent) -> Execution:
    """The outcome once the API server is back: what had begun is gone on with by the engine."""
    try:
        return await apply(ports(cluster), intent)
    except ClusterUnavailable:
        cluster.away_at = 0
        return await apply(ports(cluster), intent)


@pytest.mark.parametrize("after", [False, True], ids=["before it was done", "after it was done"])
@pytest.mark.parametrize("case", SEQUENCES, ids=names)
async def test_what_an_outage_broke_off_is_ended_once_it_is_over(case: Case, after: bool) -> None:  # noqa: FBT001
    healthy = AwayCluster()
    intent = await previewed(case, healthy)
    healthy.calls = 0
    await apply(ports(healthy), intent)
    for at in range(1, healthy.calls + 1):
        cluster = AwayCluster(after=after)
        before = lasting(cluster)
        intent = await previewed(case, cluster)
        cluster.calls, cluster.away_at = 0, at
        outcome = await ended(cluster, intent)
        cluster.away_at = 0
        if outcome.applied is Applied.REFUSED or "not done" in outcome.reason:
            assert "not done" in outcome.reason, f"call {at}: {outcome.reason}"
            assert lasting(cluster) == before or not intent.together, f"call {at}: {outcome.reason}"
        else:
            assert await has_effect(case, cluster), f"call {at}: {outcome.reason}"


@pytest.mark.parametrize("case", [each for each in SEQUENCES if each.action == "quarantine_pod"], ids=names)
async def test_a_part_that_is_refused_with_its_way_back_is_named_and_can_be_taken_back_later(case: Case) -> None:
    class Refusing(MemoryCluster):
        refuses = False

        async def write(self, change: Change, *, dry_run: bool = False, **_: object) -> KubeObject | None:
            if self.refuses and not dry_run and isinstance(change, ObjectPatch):
                raise ChangeRejected("a webhook keeps the labels")
            if self.refuses and not dry_run and not isinstance(change, ObjectCreation):
                raise Forbidden("may not delete", api_group="", resource="networkpolicies", verb="delete")
            return await super().write(change, dry_run=dry_run)

    cluster = Refusing(town())
    before = contents(cluster)
    intent = await previewed(case, cluster)
    cluster.refuses = True
    done = await apply(ports(cluster), intent)
    assert done.applied is Applied.REFUSED
    assert "not done: shop/pod/checkout-a (a webhook keeps the labels)" in done.reason
    assert "could not be taken back: shop/networkpolicy/" in done.reason
    assert "may not delete" in done.reason
    assert done.left
    cluster.refuses = False
    assert (await undo(ports(cluster), intent)).applied is Applied.DONE
    assert contents(cluster) == before
