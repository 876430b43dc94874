"""A remedy that did not help and cannot be taken back: it stands, and the incident says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.domain.changes import Change
from kubernaut.domain.errors import ChangeRejected
from kubernaut.domain.journal import unsettled_attempt
from kubernaut.domain.objects import KubeObject
from kubernaut.engine.codec import dump
from tests.misrouted_shop import MisroutedShop


@dataclass
class ShopBehindAWebhook(MisroutedShop):
    """Its pods are never reached, and a webhook refuses every write after the first."""

    answers: bool = False

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        if self.written and not dry_run:
            raise ChangeRejected("denied by a webhook: the freeze has begun")
        return await super().write(change, dry_run=dry_run, warned=warned)


async def test_a_remedy_that_stands_is_not_called_undone_and_can_be_undone_later() -> None:
    shop = ShopBehindAWebhook()
    opened = await shop.open_incident()
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        await engine.start(opened.id, {"do": "heal", "incident": dump(opened)})
        await engine.outcome(opened.id)

    ended = await shop.incidents.get(opened.id)
    assert ended is not None
    assert ended.ending == "escalated"
    assert "did not help" in ended.reason
    assert "the freeze has begun" in ended.reason
    assert shop.notifier.sent[-1].title.startswith("Over to you")
    last = unsettled_attempt(await shop.incidents.events(opened.id))
    assert last is not None
    assert last.key == "applied-1"
