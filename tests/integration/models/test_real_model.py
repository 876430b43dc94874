"""The wire, the schema, time-outs and cancelling with a real model. How good its answers are is not judged."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kubernaut.adapters.models.chain import ChainPolicy
from kubernaut.adapters.models.provider import Provider
from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.errors import ModelError, ModelReplyInvalid, ModelReplySuspicious, ModelUnavailable
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import ObjectRef
from kubernaut.ports import Analyst, Opinion, Question
from tests.integration.models.asking import asked

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TARGET = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
POD = ObjectRef("v1", "Pod", "shop", "checkout-1")
TEXTS = ["Last state: terminated, exit code 137, reason OOMKilled", "limits.memory is 64Mi", "restarted 6 times"]
FACTS = tuple(
    Evidence(EvidenceId(f"e{number}"), EvidenceSource.FIELD, POD, "status", text)
    for number, text in enumerate(TEXTS, start=1)
)
QUESTION = Question(
    incident=IncidentId("inc-1"),
    diagnosis=Diagnosis(
        TARGET,
        (Hypothesis(CauseId("unknown"), TARGET, 0.2, Verdict.ESCALATE, "The container restarts", (FACTS[2].id,)),),
        FACTS,
    ),
    causes={
        "memory_limit_too_low": "the container needs more memory than its limit",
        "image_not_found": "the image does not exist",
        "unknown": "nothing fits",
    },
    candidates={"increase_memory_limit": "raise the limit", "restart_pod": "delete the pod so that it is made anew"},
)


def local(address: str, timeout: timedelta) -> Provider:
    return Provider("local", "smollm2", endpoint=address, timeout=timeout)


@pytest.fixture
async def analyst(address: str) -> AsyncIterator[Analyst]:
    # The first reply of a model this small is often not the last, and it answers two questions at a time.
    patience = timedelta(seconds=300)
    async with asked(local(address, patience), policy=ChainPolicy(deadline=patience)) as asking:
        yield asking.chain


async def ask(analyst: Analyst) -> Opinion | ModelError:
    try:
        return await analyst.analyse(QUESTION)
    except (ModelReplyInvalid, ModelReplySuspicious) as refused:
        return refused


def is_sound(answer: Opinion | ModelError) -> bool:
    requests = sum(call.requests for call in answer.calls)
    match answer:
        case ModelError():
            return 1 <= requests <= 4
        case Opinion():
            return (
                answer.cause in QUESTION.causes
                and answer.action in {*QUESTION.candidates, ""}
                and 0 <= answer.confidence <= 1
                and set(answer.evidence) <= {fact.id for fact in FACTS}
                and sum(call.tokens for call in answer.calls) > 0
            )


async def test_a_reply_is_either_valid_against_the_question_or_refused(analyst: Analyst) -> None:
    assert is_sound(await ask(analyst))


async def test_several_questions_at_once_are_all_answered(analyst: Analyst) -> None:
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(ask(analyst)) for _ in range(2)]

    assert all(is_sound(task.result()) for task in asking)


async def test_a_deadline_that_is_too_short_for_the_model_is_kept(address: str) -> None:
    async with asked(local(address, timedelta(milliseconds=100))) as hasty:
        with pytest.raises(ModelUnavailable, match="no answer within"):
            await hasty.chain.analyse(QUESTION)


async def test_after_a_cancelled_question_the_next_one_is_answered(analyst: Analyst) -> None:
    async with asyncio.TaskGroup() as group:
        cancelled = group.create_task(ask(analyst))
        await asyncio.sleep(0.3)
        cancelled.cancel()

    assert cancelled.cancelled()
    assert is_sound(await ask(analyst))
