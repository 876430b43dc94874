"""An incident that thousands of alerts joined is undone, valued and shown like any other."""

from __future__ import annotations

from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.domain.execution import Applied
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Tree
from kubernaut.pipeline import beginning
from tests import objects
from tests.misrouted_shop import MisroutedShop

JOINED = 1000


async def test_a_remedy_is_found_behind_a_thousand_alerts_by_its_undo_and_by_its_value() -> None:
    shop = MisroutedShop()
    incident = await shop.open_incident()
    for number in range(JOINED):
        await shop.incidents.append(Event(incident.id, f"joined:{number}", EventKind.JOINED, objects.NOW, {}))
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        await engine.start(incident.id, beginning(incident))
        await engine.outcome(incident.id)
    ended = await shop.incidents.get(incident.id)
    assert ended is not None
    assert ended.ending is Ending.HEALED, ended.reason
    valued = await shop.incidents.events(incident.id, kinds=(EventKind.VALUED,))
    assert Tree(valued[-1].body).integer("analysis", "success_rate", "n") == 1

    back = await shop.stages.execution.undo_last(ended, by="ada")

    assert back.applied is Applied.DONE
    assert shop.selector() == {"app": "cart", "tier": "wbe"}
