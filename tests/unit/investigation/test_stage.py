from __future__ import annotations

from dataclasses import replace

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.model_calls import ModelCall
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation.stage import InvestigationStage, SecondOpinion
from kubernaut.ports import Opinion, Question
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


class Curious:
    """An analyst that looks things up, some of them none of its business, and cites what it found."""

    async def analyse(self, question: Question) -> Opinion:
        """The opinion."""
        assert question.lookups is not None
        look = {"kind": "Deployment", "name": question.diagnosis.target.name, "field": "spec.replicas"}
        found = await question.lookups.look("get_object", {**look})
        await question.lookups.look("get_object", {"kind": "Secret", "name": "x", "namespace": "kube-system"})
        await question.lookups.look("rm", {})
        calls = (ModelCall("curious:x", requests=2, tokens=50, lookups=3),)
        cited = tuple(fact.id for fact in found.facts)
        return Opinion("dns_broken", "", 0.4, cited, "It has three.", "curious:x", calls, found=found.facts)


async def test_what_a_model_looked_up_is_written_down_and_what_it_cites_of_that_is_evidence() -> None:
    rollout, incidents = Rollout(OLD, NEW), MemoryIncidentStore(MemorySignalStore())
    items = [*rollout.parts, *rollout.pods(running(ready=False)), node()]
    meter, cluster = MemoryMeter(), MemoryCluster(dict(item.raw) for item in items)
    second = SecondOpinion(Curious(), {}, ask_below=0.6)
    stage = InvestigationStage(cluster, incidents, ManualClock(NOW), meter, _recall_nothing, second)
    opened = replace(an_incident(), phase=Phase.INVESTIGATION)
    incident = (await incidents.admit(a_signal(), opened, hold=HOLD)).incident

    diagnosis = await stage.investigate(incident, look=1)

    first = diagnosis.hypotheses[0]
    assert (first.cause, first.confidence, first.verdict) == ("dns_broken", 0.4, Verdict.ESCALATE)
    assert [fact.text for fact in diagnosis.cited(first)] == ["Deployment checkout spec.replicas: 3"]
    (told,) = await incidents.events(incident.id, kinds=(EventKind.MODEL_ASKED,))
    looks = Tree(told.body).trees("looks")
    assert [(look.text("tool"), look.flag("refused")) for look in looks] == [
        ("get_object", False), ("get_object", True), ("rm", True),
    ]  # fmt: skip
    assert looks[0].trees("facts")[0].text("text") == "Deployment checkout spec.replicas: 3"
    assert told.body["lookups"] == 3
    assert meter.total("model_lookups", tool="get_object", outcome="found") == 1
    assert meter.total("model_lookups", tool="unknown", outcome="refused") == 1


async def _recall_nothing(incident: Incident, diagnosis: Diagnosis) -> Opinion | None:  # noqa: ARG001
    return None
