"""Each API call of each action fails once in each way: the end is mended, undone or reported, never half in silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.changes import Change
from kubernaut.domain.errors import (
    ChangeRejected,
    ClusterError,
    ClusterThrottled,
    ClusterUnavailable,
    Conflict,
    Forbidden,
)
from kubernaut.domain.execution import Applied, Intent, Refused
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply, undo
from kubernaut.ports import Listing, Resource
from tests.remedies import CASES, Case, Raw, StillClock, contents, has_effect, names, town
from tests.retrying import retried

CATALOGUE = discover()
TOWN = MemoryCluster(town())


@dataclass(frozen=True)
class Fault:
    """What happens at one call: the error instead of the answer, or after the server has done it, or a deletion."""

    error: ClusterError | None = None
    after_it_was_done: bool = False
    deletes: bool = False


FAULTS = {
    "409": Fault(Conflict("the object has been modified")),
    "422": Fault(ChangeRejected("spec is invalid")),
    "403": Fault(Forbidden("may not")),
    "429": Fault(ClusterThrottled("slow down")),
    # A timeout is the same to whoever calls: the adapter's tests hold that.
    "500 or timeout": Fault(ClusterUnavailable("no answer in 30 s")),
    "cut after the request": Fault(ClusterUnavailable("cut; not known"), after_it_was_done=True),
    "deleted meanwhile": Fault(deletes=True),
}


class FaultyCluster(MemoryCluster):
    """A cluster whose n-th call meets the fault."""

    def __init__(self, target: ObjectRef, fault: Fault | None = None, at: int = 0) -> None:
        super().__init__()
        # Stored objects are never changed in place, so all clusters may begin with the same ones.
        self._objects, self.changes.version = dict(TOWN._objects), TOWN.changes.version
        self.target, self.fault, self.at, self.calls = target, fault, at, 0

    def _meets(self, *, late: bool) -> None:
        fault = self.fault
        if fault is None or self.calls != self.at:
            return
        if fault.deletes and not late and self.target in self._objects:
            self.remove(self.target)
        if fault.error is not None and fault.after_it_was_done is late:
            raise fault.error

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        self.calls += 1
        self._meets(late=False)
        found = await super().get(ref)
        self._meets(late=True)
        return found

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        self.calls += 1
        self._meets(late=False)
        return await super().list(resource, namespace, labels=labels, fields=fields, limit=limit)

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        self.calls += 1
        self._meets(late=False)
        written = await super().write(change, dry_run=dry_run, warned=warned)
        self._meets(late=True)
        return written


def ports(cluster: MemoryCluster) -> ExecutionPorts:
    return ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE)


def lasting(cluster: MemoryCluster, gone: ObjectRef) -> dict[ObjectRef, Raw]:
    """What nobody makes anew: everything but pods, and but what the fault itself took away."""
    return {address: body for address, body in contents(cluster).items() if address.kind != "Pod" and address != gone}


async def previewed(case: Case, cluster: MemoryCluster) -> Intent:
    intent = await intend(ports(cluster), case.call)
    assert isinstance(intent, Intent), intent
    return intent


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("case", CASES, ids=names)
async def test_a_fault_while_it_is_applied_ends_mended_undone_or_reported(case: Case, fault: str) -> None:
    healthy = FaultyCluster(case.target)
    intent = await previewed(case, healthy)
    healthy.calls = 0
    await apply(ports(healthy), intent)
    for at in range(1, healthy.calls + 1):
        cluster = FaultyCluster(case.target)
        intent = await previewed(case, cluster)
        before = lasting(cluster, case.target if FAULTS[fault].deletes else ObjectRef("", "", "", ""))
        cluster.fault, cluster.at, cluster.calls = FAULTS[fault], at, 0
        outcome = await retried(lambda cluster=cluster, intent=intent: apply(ports(cluster), intent))  # type: ignore[misc]
        if isinstance(outcome, ClusterError):
            assert str(outcome)
            assert not outcome.retryable
        elif outcome.applied is Applied.REFUSED:
            assert outcome.reason
        elif not FAULTS[fault].deletes and "not done" not in outcome.reason:
            assert await has_effect(case, cluster), f"call {at}: {outcome.reason}"
        ended_well = not isinstance(outcome, ClusterError) and outcome.applied is not Applied.REFUSED
        if not ended_well and not FAULTS[fault].deletes:
            assert lasting(cluster, ObjectRef("", "", "", "")) == before, f"call {at}: half done, {outcome}"


@pytest.mark.parametrize("fault", ["409", "500 or timeout", "deleted meanwhile"])
@pytest.mark.parametrize("case", CASES, ids=names)
async def test_a_fault_while_it_is_previewed_changes_nothing(case: Case, fault: str) -> None:
    healthy = FaultyCluster(case.target)
    await previewed(case, healthy)
    for at in range(1, healthy.calls + 1):
        cluster = FaultyCluster(case.target, FAULTS[fault], at)
        before = lasting(cluster, case.target)
        try:
            answer: Intent | Refused | ClusterError = await intend(ports(cluster), case.call)
        except ClusterError as error:
            answer = error
        if isinstance(answer, Refused):
            assert answer.reason
        assert lasting(cluster, case.target) == before


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "deleted meanwhile"])
@pytest.mark.parametrize("case", CASES, ids=names)
async def test_a_fault_while_it_is_taken_back_ends_undone_or_reported(case: Case, fault: str) -> None:
    nothing = ObjectRef("", "", "", "")
    counted = FaultyCluster(case.target)
    intent = await previewed(case, counted)
    if not intent.can_be_undone:
        assert (await undo(ports(counted), intent)).applied is Applied.REFUSED
        return
    await apply(ports(counted), intent)
    counted.calls = 0
    await undo(ports(counted), intent)
    for at in range(1, counted.calls + 1):
        cluster = FaultyCluster(case.target)
        before = lasting(cluster, nothing)
        intent = await previewed(case, cluster)
        await apply(ports(cluster), intent)
        cluster.fault, cluster.at, cluster.calls = FAULTS[fault], at, 0
        outcome = await retried(lambda cluster=cluster, intent=intent: undo(ports(cluster), intent))  # type: ignore[misc]
        if isinstance(outcome, ClusterError) or outcome.applied is Applied.REFUSED:
            assert str(outcome)
        else:
            assert lasting(cluster, nothing) == before
