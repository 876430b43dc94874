"""The API server goes away in the middle of a remedy: it is seen through once it is back, or people are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.domain.changes import Change
from kubernaut.domain.errors import ClusterError, ClusterUnavailable, Forbidden, KubernautError
from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.healing.ending import end_broken
from kubernaut.pipeline import beginning
from kubernaut.ports import Listing, Resource
from tests.misrouted_shop import MisroutedShop

WRONG = {"app": "cart", "tier": "wbe"}
RIGHT = {"app": "cart", "tier": "web"}
# One call of a step that is tried three times by the engine of these tests.
STEP = 3


@dataclass
class Cut:
    """The line to the cluster of one stage: `failing` calls get no answer, after `passing` that do."""

    shop: MisroutedShop
    failing: int
    passing: int = 0
    error: Callable[[], Exception] = lambda: ClusterUnavailable("no answer")

    def _line(self) -> MemoryCluster:
        if self.passing:
            self.passing -= 1
        elif self.failing:
            self.failing -= 1
            raise self.error()
        return self.shop.cluster

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        return await self._line().get(ref)

    async def list(self, resource: Resource, namespace: str = "", *, labels: str = "") -> Listing:
        return await self._line().list(resource, namespace, labels=labels)

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        if not dry_run:
            self._line()
        return await self.shop.write(change, dry_run=dry_run, warned=warned)


def watching_through(shop: MisroutedShop, cut: Cut) -> None:
    watching = replace(shop.stages.verification, reader=cut)  # type: ignore[arg-type]  # all that is asked of it here
    shop.stages = replace(shop.stages, verification=watching)


def writing_through(shop: MisroutedShop, cut: Cut) -> None:
    execution = shop.stages.execution
    shop.stages = replace(shop.stages, execution=replace(execution, ports=replace(execution.ports, writer=cut)))


async def ended(shop: MisroutedShop) -> Incident:
    opened = await shop.open_incident()
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        await engine.start(opened.id, beginning(opened))
        await engine.outcome(opened.id)
    incident = await shop.incidents.get(opened.id)
    assert incident is not None
    return incident


@pytest.mark.parametrize("answers", [True, False])
async def test_an_outage_while_a_remedy_is_watched_ends_the_watch_as_without_it(*, answers: bool) -> None:
    shop = MisroutedShop(answers)
    watching_through(shop, Cut(shop, failing=5 * STEP))

    incident = await ended(shop)

    assert incident.ending is (Ending.HEALED if answers else Ending.UNDONE), incident.reason
    assert shop.selector() == (RIGHT if answers else WRONG)


async def test_an_outage_at_the_undo_does_not_leave_a_remedy_that_did_not_help() -> None:
    shop = MisroutedShop(answers=False)
    writing_through(shop, Cut(shop, failing=5 * STEP, passing=1))

    incident = await ended(shop)

    assert incident.ending is Ending.UNDONE, incident.reason
    assert shop.selector() == WRONG


@pytest.mark.parametrize("error", [ClusterUnavailable, Forbidden])
async def test_a_remedy_that_nobody_can_see_to_any_more_is_named_with_its_undo(
    error: Callable[[str], ClusterError],
) -> None:
    shop = MisroutedShop()
    watching_through(shop, Cut(shop, failing=1000, error=lambda: error("no answer")))

    incident = await ended(shop)

    assert incident.ending is Ending.BLOCKED
    assert "fix_service_selector may be in force" in incident.reason
    told = shop.notifier.sent[-1]
    assert any(f"kubernaut incidents undo {incident.id}" in line for line in told.lines)


async def test_a_run_that_breaks_in_the_middle_of_a_remedy_tells_how_to_undo_it() -> None:
    shop = MisroutedShop(answers=False)
    opened = await shop.open_incident()

    async def on_failure(run_id: str, error: KubernautError) -> None:  # noqa: ARG001
        await end_broken(shop.stages, opened, error)

    def broken() -> Exception:
        return ZeroDivisionError()

    watching_through(shop, Cut(shop, failing=1, error=broken))
    async with MemoryEngine(shop.workflow, shop.clock, on_failure=on_failure) as engine:
        await engine.start(opened.id, beginning(opened))
        await engine.outcome(opened.id)

    incident = await shop.incidents.get(opened.id)
    assert incident is not None
    assert incident.ending is Ending.FAILED
    assert "what it did to shop/service/cart may be in force" in incident.reason
    assert any(f"kubernaut incidents undo {incident.id}" in line for line in shop.notifier.sent[-1].lines)
