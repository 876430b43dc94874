"""The wire, the schema, time-outs and cancelling with a real model. How good its answers are is not judged."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.adapters.models.chain import ChainPolicy
from kubernaut.adapters.models.provider import Provider
from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.errors import ModelError, ModelReplyInvalid, ModelReplySuspicious, ModelUnavailable
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef, Tree
from kubernaut.engine.codec import dump
from kubernaut.engine.run import RunState
from kubernaut.execution.catalogue import discover
from kubernaut.impact.recomputing import accuracy
from kubernaut.investigation.causes import catalogue
from kubernaut.investigation.stage import SecondOpinion
from kubernaut.ports import Analyst, Opinion, Question
from tests.integration.models.asking import asked
from tests.integration.models.misbehaving import GOOD, Server, listening, says
from tests.misrouted_shop import MisroutedShop
from tests.model_server import model_server

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


async def test_of_questions_at_once_each_reply_is_valid_against_the_question_or_refused(analyst: Analyst) -> None:
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


def busy_s(process: subprocess.Popen[str]) -> float:
    """The processor time that it has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def decided(analyst: Analyst) -> tuple[Incident, Tree]:
    """The incident at its end, and what the model was asked, when something is wrong that no rule knows."""
    meanings = {str(action.id): action.summary for action in discover()}
    shop = MisroutedShop(second=SecondOpinion(analyst, meanings, ask_below=0.6))
    shop.trouble_of_another_kind()
    opened = await shop.open_incident()
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        await engine.start(opened.id, {"do": "heal", "incident": dump(opened)})
        status = await engine.outcome(opened.id)
    assert status.state is RunState.DONE, status.error
    ended = await shop.incidents.get(opened.id)
    assert ended is not None
    events = await shop.incidents.events(opened.id)
    (asked_model,) = [Tree(event.body) for event in events if event.kind is EventKind.MODEL_ASKED]
    assert accuracy(events).share == 1
    assert shop.written == []
    return ended, asked_model


async def test_an_incident_that_no_rule_knows_is_analysed_by_the_model_and_decided(address: str) -> None:
    patience = timedelta(seconds=300)
    small = replace(local(address, patience), window=3000)
    async with asked(small, policy=ChainPolicy(deadline=patience)) as asking:
        incident, told = await decided(asking.chain)

    assert incident.ending is Ending.ESCALATED
    assert told.flag("ok"), told.text("error")
    assert (told.text("provider"), told.integer("tokens") > 0) == ("local:smollm2", True)
    assert told.text("cause") in {cause.id for cause in catalogue()}


@pytest.mark.skipif(sys.platform != "linux", reason="that it has begun is seen in /proc")
async def test_a_model_that_is_killed_in_the_middle_of_a_question_costs_no_decision() -> None:
    patience = timedelta(seconds=300)
    with model_server() as (url, process):
        first = replace(local(url, patience), window=3000)
        second = Server(says({**GOOD, "cause": "unknown", "action": "none"}))
        async with listening(second) as other:
            policy = ChainPolicy(deadline=patience)
            async with asked(first, Provider("next", "small", endpoint=other), policy=policy) as asking:
                idle = busy_s(process)
                async with asyncio.TaskGroup() as group:
                    deciding = group.create_task(decided(asking.chain))
                    while busy_s(process) < idle + 0.3:
                        await asyncio.sleep(0.01)
                    process.kill()

    incident, told = deciding.result()
    assert incident.ending is Ending.ESCALATED
    assert [(call.text("provider"), call.text("failure")) for call in told.trees("calls")] == [
        ("local:smollm2", "cut"),
        ("next:small", ""),
    ]
