"""When the memory answers in the place of a model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.execution import Applied, Execution
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.investigation.repeats import decide_by_memory
from kubernaut.investigation.stage import InvestigationStage, SecondOpinion
from kubernaut.learning.repeating import RepeatPolicy, opinion_of
from kubernaut.ports import Opinion, Question
from tests.examples import HOLD, a_signal, an_incident
from tests.objects import NOW, container, node, running, template
from tests.told import FACTS, ROLLBACK, a_diagnosis
from tests.unit.investigation.scenes import Rollout
from tests.unit.learning.test_recalling import Memory
from tests.unit.learning.test_recalling import incident as another
from tests.unit.learning.test_stage import Learner

POLICY = RepeatPolicy(likeness=0.9, successes=3)


def like(number: int, **changes: object) -> Recalled:
    pattern = Pattern(
        id=IncidentId(f"inc-{number}"), text="text", cause="crash_after_change", action="rollback_deployment",
        ending=Ending.HEALED, seconds=80.0, at=datetime(2026, 11, 22, tzinfo=UTC), embedder="e", vector=(1.0,),
        features=tuple(fact.text for fact in FACTS),
    )  # fmt: skip
    likeness = changes.pop("likeness", 0.95)
    return Recalled(replace(pattern, **changes), likeness)  # type: ignore[arg-type]


def said(*recalled: Recalled, found: Diagnosis | None = None) -> Opinion | None:
    return opinion_of(recalled, another("now"), found or a_diagnosis(), POLICY)


def test_enough_verified_like_incidents_speak_for_what_healed_them() -> None:
    opinion = said(*map(like, range(3)))
    assert opinion is not None
    assert (opinion.cause, opinion.action, opinion.provider) == ("crash_after_change", "rollback_deployment", "memory")
    assert opinion.calls == ()
    assert opinion.confidence == pytest.approx(0.4385, abs=1e-4)


def test_only_facts_that_are_seen_now_and_were_seen_then_are_cited() -> None:
    opinion = said(*(like(number, features=(FACTS[1].text,)) for number in range(3)))
    assert opinion is not None
    assert opinion.evidence == (FACTS[1].id,)


@pytest.mark.parametrize(
    "against",
    [
        like(2, ending=Ending.UNDONE),
        like(2, ending=Ending.ESCALATED),
        like(2, action="restart_pod"),
        like(2, cause="image_not_found"),
        like(2, likeness=0.89),
        like(2, action="", ending=Ending.ESCALATED),
    ],
    ids=["undone", "escalated", "another action", "another cause", "not so like", "nothing was done"],
)
def test_what_is_not_clear_is_not_decided_by_memory(against: Recalled) -> None:
    assert said(like(0), like(1), against) is None


def test_one_failure_among_many_successes_silences_the_memory() -> None:
    assert said(*map(like, range(9)), like(9, ending=Ending.UNDONE)) is None


def test_nothing_alike_says_nothing() -> None:
    assert said() is None


def test_the_memory_confirms_what_the_rules_suspect_and_changes_no_verdict_and_no_confidence() -> None:
    opinion, unsure = said(*map(like, range(3))), a_diagnosis()
    assert opinion is not None
    decided = decide_by_memory(unsure, opinion)
    assert replace(decided, decided_by="rules") == unsure
    assert decided.decided_by == "memory"


def test_a_remembered_cause_without_a_prepared_remedy_goes_to_people() -> None:
    opinion = said(*map(like, range(3)))
    assert opinion is not None
    blank = replace(a_diagnosis(), hypotheses=())
    best = decide_by_memory(blank, opinion).best
    assert best is not None
    assert (best.cause, best.verdict, best.remedies) == ("crash_after_change", Verdict.ESCALATE, ())


def test_a_remembered_remedy_that_the_rules_prepared_is_never_taken_without_consent() -> None:
    opinion = said(*map(like, range(3)))
    assert opinion is not None
    unknown = replace(a_diagnosis("unknown"), hypotheses=a_diagnosis("unknown").hypotheses[:1])
    best = decide_by_memory(unknown, opinion).best
    assert best is not None
    assert best.verdict is Verdict.APPROVE
    assert [call.action for call in best.remedies] == [ROLLBACK.action]


@dataclass
class CountingAnalyst:
    asked: list[Question] = field(default_factory=list)

    async def analyse(self, question: Question) -> Opinion:
        self.asked.append(question)
        return Opinion("unknown", "", 0.1, (), "no idea", "a model")


async def investigated(remembered: Opinion | None) -> tuple[Diagnosis, CountingAnalyst, MemoryIncidentStore]:
    old, new = template(container(args=["a"])), template(container(args=["b"]))
    scene = Rollout(old, new)
    cluster = MemoryCluster(dict(item.raw) for item in [*scene.parts, *scene.pods(running(ready=False)), node()])
    incidents, analyst = MemoryIncidentStore(MemorySignalStore()), CountingAnalyst()

    async def recall(incident: Incident, diagnosis: Diagnosis) -> Opinion | None:  # noqa: ARG001
        return remembered

    stage = InvestigationStage(
        cluster, incidents, ManualClock(NOW), MemoryMeter(), recall, SecondOpinion(analyst, {}, 0.6)
    )
    opened = replace(an_incident(), phase=Phase.INVESTIGATION)
    incident = (await incidents.admit(a_signal(), opened, hold=HOLD)).incident
    return await stage.investigate(incident, look=1), analyst, incidents


async def test_a_repeat_of_verified_incidents_asks_no_model() -> None:
    diagnosis, analyst, incidents = await investigated(said(*map(like, range(3))))
    assert diagnosis.decided_by == "memory"
    assert analyst.asked == []
    assert await incidents.events(kinds=(EventKind.MODEL_ASKED,)) == []


async def test_what_is_no_repeat_is_put_to_the_model() -> None:
    diagnosis, analyst, incidents = await investigated(None)
    assert diagnosis.decided_by != "memory"
    assert len(analyst.asked) == 1
    assert len(await incidents.events(kinds=(EventKind.MODEL_ASKED,))) == 1


async def test_an_incident_whose_remedy_a_person_took_back_is_no_success_any_more() -> None:
    learner, memory, of = Learner(), Memory(), another("inc-1")
    memory.patterns = learner.patterns
    await memory.learn(of, None)
    done = Execution(None, Applied.DONE, "", NOW)

    assert await learner.stage.correct(of, done) == "corrected"
    (kept,) = await learner.patterns.get([of.id])
    assert kept.ending is Ending.UNDONE


async def test_an_undo_that_was_refused_corrects_nothing() -> None:
    learner = Learner()
    refused = Execution(None, Applied.REFUSED, "nothing was applied", NOW)
    assert await learner.stage.correct(another("inc-1"), refused) == "nothing was taken back"
    assert await learner.stage.correct(another("inc-1"), replace(refused, applied=Applied.DONE)) == "not remembered"


async def test_a_pattern_keeps_where_it_happened_what_was_done_and_what_it_rested_on() -> None:
    memory, of = Memory(), another("inc-1")
    found = replace(a_diagnosis(), target=of.target)
    await memory.learn(of, found)
    (kept,) = await memory.patterns.get([of.id])
    assert (kept.namespace, kept.kind, kept.parameters) == ("shop", "Deployment", {"revision": 6})
    assert len(kept.features) == 3
