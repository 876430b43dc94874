"""Equal questions are asked once."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.shelf import MemoryShelf
from kubernaut.adapters.models.chain import Chain, ChainPolicy
from kubernaut.adapters.models.keeping import KeptAnswers
from kubernaut.adapters.models.prompting import Hiding, key_of
from kubernaut.adapters.models.provider import Provider
from kubernaut.adapters.models.reloading import FixedProviders
from kubernaut.domain.errors import ModelError, ModelReplySuspicious, ModelUnavailable, StoreUnavailable
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.model_calls import ModelCall, ModelFailure
from kubernaut.ports import Opinion, Question
from tests.integration.models.asking import POD, QUESTION
from tests.told import NOON

OPINION = Opinion(
    "crash_after_change", "rollback_deployment", 0.7, (EvidenceId("e1"),), "It began then.", "first:large",
    calls=(ModelCall("first:large", requests=1, tokens=120),),
)  # fmt: skip
MODELS = {"first": "large"}


class Answering(Chain):
    """A chain that says what it was told to, and keeps count."""

    def __init__(self, answer: Opinion | ModelError = OPINION, gate: asyncio.Event | None = None) -> None:
        providers = FixedProviders((Provider("first", "large"),))
        super().__init__(providers, ManualClock(), MemoryMeter(), ChainPolicy())
        self.answer, self.gate, self.asked = answer, gate, 0

    async def analyse(self, question: Question) -> Opinion:  # noqa: ARG002
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.answer, ModelError):
            raise self.answer
        return self.answer


class BrokenShelf(MemoryShelf):
    async def get(self, key: str, *, now: object) -> str | None:  # type: ignore[override]  # noqa: ARG002
        raise StoreUnavailable("locked")

    async def put(self, key: str, text: str, *, until: object) -> None:  # type: ignore[override]  # noqa: ARG002
        raise StoreUnavailable("locked")


class Desk:
    def __init__(self, chain: Answering, shelf: MemoryShelf | None = None) -> None:
        self.clock, self.meter, self.shelf = ManualClock(), MemoryMeter(), shelf or MemoryShelf()
        self.kept = KeptAnswers(chain, self.shelf, self.clock, self.meter, keep=timedelta(minutes=15))


async def test_an_equal_question_is_answered_from_the_shelf_and_costs_nothing() -> None:
    chain = Answering()
    desk = Desk(chain)
    first, second = await desk.kept.analyse(QUESTION), await desk.kept.analyse(QUESTION)

    assert chain.asked == 1
    assert (first.kept, second.kept) == (False, True)
    assert second.calls == ()
    assert replace(second, kept=False, calls=first.calls) == first
    assert desk.meter.total("model_answers_kept", where="shelf") == 1


async def test_what_was_looked_up_for_an_answer_is_kept_with_it() -> None:
    line = Evidence(EvidenceId("e4"), EvidenceSource.LOG, POD, "log", "pool is exhausted", NOON)
    looked_up = replace(OPINION, evidence=(EvidenceId("e4"),), found=(line,))
    desk = Desk(Answering(looked_up))
    await desk.kept.analyse(QUESTION)
    kept = await desk.kept.analyse(QUESTION)

    assert (kept.kept, kept.found, kept.evidence) == (True, (line,), ("e4",))


async def test_an_answer_is_kept_for_its_time_and_no_longer() -> None:
    chain = Answering()
    desk = Desk(chain)
    await desk.kept.analyse(QUESTION)
    await desk.clock.advance(timedelta(minutes=14, seconds=59))
    await desk.kept.analyse(QUESTION)
    assert chain.asked == 1

    await desk.clock.advance(timedelta(seconds=1))
    await desk.kept.analyse(QUESTION)
    assert chain.asked == 2


async def test_another_process_finds_the_answer_on_the_same_shelf() -> None:
    shelf, later = MemoryShelf(), Answering()
    await Desk(Answering(), shelf).kept.analyse(QUESTION)

    assert (await Desk(later, shelf).kept.analyse(QUESTION)).kept
    assert later.asked == 0


async def test_equal_questions_at_once_are_asked_once() -> None:
    gate = asyncio.Event()
    chain = Answering(gate=gate)
    desk = Desk(chain)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(desk.kept.analyse(QUESTION)) for _ in range(5)]
        while not chain.asked:
            await asyncio.sleep(0)
        gate.set()

    assert chain.asked == 1
    assert sorted(task.result().kept for task in tasks) == [False, True, True, True, True]
    assert sum(len(task.result().calls) for task in tasks) == 1


async def test_a_failure_is_shared_with_who_waits_and_not_kept() -> None:
    gate = asyncio.Event()
    gone = ModelUnavailable("gone", failure=ModelFailure.HANG, calls=(ModelCall("first:large", "hang"),))
    chain = Answering(gone, gate)
    desk = Desk(chain)
    asyncio.get_running_loop().call_later(0.01, gate.set)
    found = await asyncio.gather(*(desk.kept.analyse(QUESTION) for _ in range(3)), return_exceptions=True)
    with pytest.raises(ModelUnavailable):
        await desk.kept.analyse(QUESTION)

    assert [type(one) for one in found] == [ModelUnavailable] * 3
    assert sorted(len(one.calls) for one in found if isinstance(one, ModelError)) == [0, 0, 1]
    assert {one.failure for one in found if isinstance(one, ModelError)} == {ModelFailure.HANG}
    assert chain.asked == 2


async def test_a_reply_that_was_thrown_away_reaches_everybody_who_asked_as_such() -> None:
    desk = Desk(Answering(ModelReplySuspicious("it argues for leaving out a guard")))
    found = await asyncio.gather(*(desk.kept.analyse(QUESTION) for _ in range(3)), return_exceptions=True)

    assert [type(one) for one in found] == [ModelReplySuspicious] * 3


async def test_whoever_waits_asks_again_where_the_first_was_cancelled() -> None:
    gate = asyncio.Event()
    chain = Answering(gate=gate)
    desk = Desk(chain)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(desk.kept.analyse(QUESTION))
        while not chain.asked:
            await asyncio.sleep(0)
        second = group.create_task(desk.kept.analyse(QUESTION))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        gate.set()

    assert first.cancelled()
    assert second.result().cause == OPINION.cause
    assert chain.asked == 2


async def test_cancelling_who_waits_does_not_disturb_who_asks() -> None:
    gate = asyncio.Event()
    chain = Answering(gate=gate)
    desk = Desk(chain)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(desk.kept.analyse(QUESTION))
        while not chain.asked:
            await asyncio.sleep(0)
        second = group.create_task(desk.kept.analyse(QUESTION))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        gate.set()

    assert second.cancelled()
    assert first.result() == OPINION


async def test_a_shelf_that_fails_costs_the_hit_and_not_the_answer() -> None:
    chain = Answering()
    desk = Desk(chain, BrokenShelf())
    assert await desk.kept.analyse(QUESTION) == OPINION
    assert await desk.kept.analyse(QUESTION) == OPINION
    assert chain.asked == 2


@pytest.mark.parametrize(
    "change",
    [{"cause": "sun_spots"}, {"action": "delete_namespace"}, {"evidence": ["e1", "e99"]}, {"confidence": "sure"}],
)
async def test_what_was_written_over_on_the_shelf_adds_no_id_and_no_confidence(change: dict[str, object]) -> None:
    chain, shelf = Answering(), MemoryShelf()
    desk = Desk(chain, shelf)
    await desk.kept.analyse(QUESTION)
    key = key_of(QUESTION, Hiding(), MODELS)
    text = await shelf.get(key, now=desk.clock.now())
    assert text is not None
    await shelf.put(key, json.dumps(json.loads(text) | change), until=desk.clock.now() + timedelta(minutes=5))

    again = await desk.kept.analyse(QUESTION)

    assert again.cause in QUESTION.causes
    assert again.action in QUESTION.candidates
    assert again.confidence <= OPINION.confidence
    assert set(again.evidence) <= {fact.id for fact in QUESTION.diagnosis.evidence}


def with_fact(text: str) -> Question:
    fact = Evidence(EvidenceId("e1"), EvidenceSource.LOG, POD, "log", text)
    return replace(QUESTION, diagnosis=replace(QUESTION.diagnosis, evidence=(fact,)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("failed at 2026-11-22T12:00:00Z", "failed at 2026-11-23T07:31:09.123Z"),
        ("back-off 5m0s restarting", "back-off 2m40s restarting"),
        ("restarted 12s ago", "restarted 3 minutes ago"),
        (
            "uid 0b2c1f9e-6f3a-4b1e-9b57-9a3f1f1e2d3c gone",
            "uid 5f0e3d2c-1b2a-4c3d-8e9f-0a1b2c3d4e5f gone",
        ),
    ],
)
def test_moments_durations_and_uids_make_no_other_question(one: str, other: str) -> None:
    assert key_of(with_fact(one), Hiding(), MODELS) == key_of(with_fact(other), Hiding(), MODELS)


@pytest.mark.parametrize(
    ("one", "other"),
    [("exit code 1", "exit code 137"), ("limit 64Mi", "limit 65Mi"), ("restarted 6 times", "restarted 7 times")],
)
def test_another_fact_makes_another_question(one: str, other: str) -> None:
    assert key_of(with_fact(one), Hiding(), MODELS) != key_of(with_fact(other), Hiding(), MODELS)


def test_another_model_and_other_hiding_make_another_question() -> None:
    keys = {
        key_of(QUESTION, Hiding(), MODELS),
        key_of(QUESTION, Hiding(mails=True), MODELS),
        key_of(QUESTION, Hiding(addresses=True), MODELS),
        key_of(QUESTION, Hiding(), {"first": "small"}),
        key_of(replace(QUESTION, candidates={}), Hiding(), MODELS),
    }
    assert len(keys) == 5
