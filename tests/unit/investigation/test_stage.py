from __future__ import annotations

from dataclasses import replace

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.stage import InvestigationStage
from kubernaut.ports import Opinion
from tests.examples import HOLD, a_signal, an_incident
from tests.objects import NOW, container, crash_loop, node, running, template
from tests.unit.investigation.scenes import Rollout

OLD, NEW = template(container(args=["a"])), template(container(args=["b"]))


@pytest.mark.parametrize(
    ("pods", "cause", "remembers"),
    [
        (Rollout(OLD, NEW).pods(crash_loop()), "crash_after_change", False),
        (Rollout(OLD, NEW).pods(running(ready=False)), "unknown", True),
    ],
)
async def test_the_memory_is_asked_before_a_decision_only_where_the_rules_are_unsure(
    pods: list[KubeObject],
    cause: str,
    remembers: bool,  # noqa: FBT001
) -> None:
    inbox = MemorySignalStore()
    incidents, asked = MemoryIncidentStore(inbox), []

    async def recall(incident: Incident, diagnosis: Diagnosis) -> Opinion | None:
        assert diagnosis.best is not None
        asked.append(incident.id)
        return None

    cluster = MemoryCluster(dict(item.raw) for item in [*Rollout(OLD, NEW).parts, *pods, node()])
    stage = InvestigationStage(cluster, incidents, ManualClock(NOW), MemoryMeter(), recall)
    opened = replace(an_incident(), phase=Phase.INVESTIGATION)
    incident = (await incidents.admit(a_signal(), opened, hold=HOLD)).incident
    diagnosis = await stage.investigate(incident, look=1)
    assert diagnosis.best is not None
    assert diagnosis.best.cause == cause
    assert asked == ([incident.id] if remembers else [])
    (told,) = await incidents.events(incident.id, kinds=(EventKind.DIAGNOSED,))
    assert told.body["took_s"] == 0
    current = await incidents.get(incident.id)
    assert current is not None
    assert current.phase is Phase.PLANNING
