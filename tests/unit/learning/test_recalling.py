from datetime import UTC, datetime, timedelta

import pytest

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.memory.patterns import MemoryPatterns
from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef
from kubernaut.learning.recalling import recall
from kubernaut.learning.remembering import Finish, remember

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROLLBACK = ActionCall(
    ActionId("rollback_deployment"), ObjectRef("apps/v1", "Deployment", "shop", "app"), {"revision": 6}
)
HEALED = Finish(Ending.HEALED, NOW + timedelta(seconds=90), ROLLBACK)


def incident(name: str, alert: str = "KubePodCrashLooping", kind: str = "Deployment") -> Incident:
    target = ObjectRef("apps/v1", kind, "shop", f"app-{name}")
    return Incident(IncidentId(name), Fingerprint(name), target, target, alert, "warning", NOW, NOW)


def diagnosis(of: Incident, cause: str, summary: str = "The container exits") -> Diagnosis:
    hypothesis = Hypothesis(CauseId(cause), of.target, 0.8, Verdict.ACT, summary, ())
    return Diagnosis(of.target, (hypothesis,), ())


class Memory:
    def __init__(self) -> None:
        self.embedder, self.patterns = HashedEmbedder(), MemoryPatterns()

    async def learn(self, of: Incident, found: Diagnosis | None, finish: Finish = HEALED) -> None:
        await remember(of, found, finish, embedder=self.embedder, patterns=self.patterns)

    async def names(self, of: Incident, found: Diagnosis | None, *, limit: int = 5) -> list[str]:
        found_again = await recall(of, found, embedder=self.embedder, patterns=self.patterns, limit=limit)
        return [recalled.pattern.id for recalled in found_again]


async def test_the_next_incident_of_the_same_cause_recalls_the_finished_one() -> None:
    memory, first, second = Memory(), incident("first"), incident("second")
    await memory.learn(first, diagnosis(first, "crash_after_change"))

    (found,) = await recall(
        second, diagnosis(second, "crash_after_change"), embedder=memory.embedder, patterns=memory.patterns
    )

    assert (found.pattern.id, found.pattern.cause, found.pattern.action) == (
        "first",
        "crash_after_change",
        "rollback_deployment",
    )
    assert (found.pattern.ending, found.pattern.seconds) == (Ending.HEALED, 90.0)
    assert found.likeness == pytest.approx(1.0)


async def test_likeness_of_words_alone_recalls_nothing() -> None:
    memory, first, second = Memory(), incident("first"), incident("second")
    await memory.learn(first, diagnosis(first, "image_not_found"))

    assert await memory.names(second, diagnosis(second, "crash_after_change")) == []


async def test_while_the_cause_is_unknown_the_same_alert_on_the_same_kind_confirms() -> None:
    memory = Memory()
    for past in (
        incident("same"),
        incident("other-alert", alert="KubeNodeNotReady"),
        incident("other-kind", kind="Job"),
    ):
        await memory.learn(past, diagnosis(past, "crash_after_change"))

    assert await memory.names(incident("now"), None) == ["same"]
    assert await memory.names(incident("now"), diagnosis(incident("now"), "unknown")) == ["same"]


async def test_an_incident_never_recalls_itself_and_is_remembered_once() -> None:
    memory, again = Memory(), incident("again")
    await memory.learn(again, diagnosis(again, "crash_after_change"))
    await memory.learn(again, diagnosis(again, "crash_after_change"))

    assert await memory.names(again, diagnosis(again, "crash_after_change")) == []
    assert await memory.names(incident("other"), diagnosis(again, "crash_after_change")) == ["again"]


async def test_the_confirmed_are_ranked_by_likeness_and_bounded() -> None:
    memory = Memory()
    texts = {
        "near": "The container exits with code 1",
        "far": "Entirely different words here",
        "same": "The container exits",
    }
    for name, summary in texts.items():
        await memory.learn(incident(name), diagnosis(incident(name), "crash_after_change", summary))
    now = incident("now")

    assert await memory.names(now, diagnosis(now, "crash_after_change")) == ["same", "near", "far"]
    assert await memory.names(now, diagnosis(now, "crash_after_change"), limit=2) == ["same", "near"]


async def test_an_incident_that_nobody_could_explain_is_remembered_too() -> None:
    memory = Memory()
    await memory.learn(incident("first"), None, Finish(Ending.ESCALATED, NOW))

    assert await memory.names(incident("second"), None) == ["first"]
