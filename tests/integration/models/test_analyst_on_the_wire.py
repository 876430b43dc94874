"""One provider behind a real HTTP server on loopback: what is sent, what is taken, what is asked again."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.models.chain import ChainPolicy
from kubernaut.adapters.models.prompting import Hiding
from kubernaut.adapters.models.provider import Price, Provider
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import ModelError, ModelReplyInvalid, ModelReplySuspicious
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.model_calls import ModelFailure
from kubernaut.domain.objects import JsonObject
from kubernaut.ports import Question
from tests.integration.models.asking import PATIENT, POD, QUESTION, TARGET, asked, asked_alone
from tests.integration.models.misbehaving import GOOD, Answer, Server, hang, http, listening, says, throttled

LOCAL = Provider("local", "small", timeout=PATIENT)


async def refused(*answers: Answer) -> tuple[ModelError, Server]:
    server = Server(*answers)
    async with asked_alone(server) as asking:
        with pytest.raises(ModelError) as raised:
            await asking.chain.analyse(QUESTION)
    return raised.value, server


async def test_a_good_reply_becomes_an_opinion_with_what_it_took() -> None:
    priced = replace(LOCAL, price=Price(prompt=10, reply=100))
    async with asked_alone(Server(says(GOOD)), priced) as asking:
        opinion = await asking.chain.analyse(QUESTION)

    assert (opinion.cause, opinion.action, opinion.confidence) == ("crash_after_change", "rollback_deployment", 0.7)
    assert (opinion.evidence, opinion.explanation) == (("e1",), GOOD["explanation"])
    assert opinion.provider == "local:small"
    (call,) = opinion.calls
    assert (call.provider, call.failure, call.requests, call.tokens) == ("local:small", "", 1, 120)
    assert call.usd == pytest.approx((100 * 10 + 20 * 100) / 1_000_000)


async def test_what_is_sent_is_bounded_redacted_and_fenced() -> None:
    server = Server(says(GOOD))
    async with asked_alone(server) as asking:
        await asking.chain.analyse(QUESTION)

    prompt = server.prompt()
    assert "hunter2" not in prompt
    lines = str(server.seen[0]["messages"][-1]["content"]).splitlines()  # type: ignore[index, call-overload]
    assert lines.count("END DATA") == 1
    assert server.seen[0]["max_tokens"] == 512
    schema = server.seen[0]["response_format"]["json_schema"]["schema"]["properties"]  # type: ignore[index, call-overload]
    assert schema["cause"]["enum"] == ["crash_after_change", "unknown"]  # type: ignore[index, call-overload]


async def test_people_and_addresses_are_hidden_where_that_is_set() -> None:
    fact = Evidence(EvidenceId("e1"), EvidenceSource.LOG, POD, "log", "mail anna@example.org from 10.1.2.3")
    question = replace(QUESTION, diagnosis=Diagnosis(TARGET, (), (fact,)))
    server = Server(says(GOOD))
    hiding = ChainPolicy(deadline=PATIENT, hiding=Hiding(mails=True, addresses=True))
    async with listening(server) as url, asked(replace(LOCAL, endpoint=url), policy=hiding) as asking:
        await asking.chain.analyse(question)

    assert "mail mail-1 from ip-1" in server.prompt()


async def test_the_key_is_sent_as_a_bearer_token() -> None:
    server = Server(says(GOOD))
    async with asked_alone(server, replace(LOCAL, key="s3cret-of-mine")) as asking:
        await asking.chain.analyse(QUESTION)

    assert "bearer s3cret-of-mine" in server.heads[0].lower()


def test_the_key_is_not_in_the_words_of_a_provider() -> None:
    assert "s3cret" not in repr(replace(LOCAL, key="s3cret"))


async def test_a_provider_that_cannot_be_used_as_it_was_declared_says_why() -> None:
    async with asked(replace(LOCAL, trouble="local: key_file: /none: no such file")) as asking:
        with pytest.raises(ModelError, match="no such file") as raised:
            await asking.chain.analyse(QUESTION)

    assert raised.value.failure is ModelFailure.NOT_CONFIGURED


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (says("Sure! I would roll it back."), ModelFailure.NOT_JSON),
        (says(""), ModelFailure.EMPTY),
        (says("[]"), ModelFailure.WRONG_SCHEMA),
        (says({**GOOD, "cause": "sun_spots"}), ModelFailure.UNKNOWN_ID),
        (says({**GOOD, "action": "kubectl delete namespace shop"}), ModelFailure.UNKNOWN_ID),
        (says({**GOOD, "evidence": ["e1", "e999"]}), ModelFailure.UNKNOWN_ID),
        (says({**GOOD, "evidence": []}), ModelFailure.UNSUPPORTED),
        (says({**GOOD, "evidence": ["e3"]}), ModelFailure.UNSUPPORTED),
        (says({**GOOD, "confidence_percent": 140}), ModelFailure.WRONG_SCHEMA),
        (says({**GOOD, "confidence_percent": "sure"}), ModelFailure.WRONG_SCHEMA),
        (says({**GOOD, "explanation": "x" * 5000}), ModelFailure.WRONG_SCHEMA),
        (says({**GOOD, "command": "rm -rf /"}), ModelFailure.WRONG_SCHEMA),
        (says({"cause": "unknown"}), ModelFailure.WRONG_SCHEMA),
        (says(GOOD, finish="length"), ModelFailure.TRUNCATED),
    ],
    ids=[
        "prose", "empty", "a list", "unknown cause", "unknown action", "unknown evidence", "nothing cited",
        "cites what speaks against it", "confidence out of bounds", "confidence no number", "endless explanation",
        "extra field", "missing fields", "cut off by its own limit",
    ],
)  # fmt: skip
async def test_a_reply_that_cannot_be_taken_is_asked_for_three_times_more(
    answer: Answer, failure: ModelFailure
) -> None:
    error, server = await refused(answer)

    assert isinstance(error, ModelReplyInvalid)
    assert error.failure is failure
    assert len(server.seen) == 4
    assert sum(call.requests for call in error.calls) == 4
    assert sum(call.tokens for call in error.calls) == 480


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (http(200, b'{"choices":' + b"[" * 50_000), ModelFailure.WRONG_SCHEMA),
        (http(200, b'{"choices":' + b"[" * 50_000, kind="octet-stream"), ModelFailure.NOT_JSON),
        (throttled("9" * 25), ModelFailure.THROTTLED),
        (throttled("Fri, 31 Dec 9999 23:59:59 GMT"), ModelFailure.THROTTLED),
        (throttled("Fri, 31 Dec 9999 23:59:59 -2359"), ModelFailure.THROTTLED),
    ],
)
async def test_what_a_library_stumbles_over_is_a_failure_of_the_provider(answer: Answer, failure: ModelFailure) -> None:
    error, _ = await refused(answer)

    assert error.failure is failure


async def test_a_model_is_told_its_mistake_and_may_mend_it() -> None:
    server = Server(says({**GOOD, "cause": "sun_spots"}), says(GOOD))
    async with asked_alone(server) as asking:
        opinion = await asking.chain.analyse(QUESTION)

    assert [(call.requests, call.tokens) for call in opinion.calls] == [(2, 240)]
    assert "sun_spots" in server.prompt(1)
    assert "crash_after_change" in server.prompt(1)


async def test_a_reply_with_the_canary_is_thrown_away_and_nobody_is_asked_again() -> None:
    class Parrot(Server):
        def __init__(self) -> None:
            super().__init__(self.repeat)

        async def repeat(self, request: JsonObject, writer: asyncio.StreamWriter) -> None:
            system = str(request["messages"][0]["content"])  # type: ignore[index, call-overload]
            canary = system.split("The word ", 1)[1].split(" ", 1)[0]
            await says({**GOOD, "explanation": f"My instructions hold {canary}"})(request, writer)

    server = Parrot()
    async with asked_alone(server) as asking:
        with pytest.raises(ModelReplySuspicious, match="secret word"):
            await asking.chain.analyse(QUESTION)

    assert len(server.seen) == 1


async def test_two_prompts_have_two_canaries() -> None:
    server = Server(says(GOOD))
    async with asked_alone(server) as asking:
        await asking.chain.analyse(QUESTION)
        await asking.chain.analyse(QUESTION)

    assert server.seen[0]["messages"] != server.seen[1]["messages"]


async def test_a_server_without_json_schema_is_asked_in_its_own_format_and_remembered() -> None:
    server = Server(http(500, b'{"error": "response_format"}'), says(GOOD))
    async with asked_alone(server) as asking:
        first, second = await asking.chain.analyse(QUESTION), await asking.chain.analyse(QUESTION)

    formats = [request["response_format"] for request in server.seen]
    assert [form["type"] for form in formats] == ["json_schema", "json_object", "json_object"]  # type: ignore[index, call-overload]
    assert "properties" in formats[1]["schema"]  # type: ignore[index, call-overload, operator]
    assert "fits this schema" in server.prompt(1)
    assert (first.calls[0].requests, second.calls[0].requests) == (2, 1)


async def test_a_question_without_facts_allows_no_citation() -> None:
    bare = Question(IncidentId("inc-1"), Diagnosis(TARGET, (), ()), {"unknown": "nothing fits"}, {})
    reply: JsonObject = {**GOOD, "cause": "unknown", "action": "none", "evidence": []}
    async with asked_alone(Server(says(reply))) as asking:
        opinion = await asking.chain.analyse(bare)
    async with asked_alone(Server(says({**reply, "evidence": ["e1"]}))) as asking:
        with pytest.raises(ModelReplyInvalid):
            await asking.chain.analyse(bare)

    assert (opinion.cause, opinion.action, opinion.evidence) == ("unknown", "", ())


async def test_many_questions_at_once_keep_their_own_count() -> None:
    async with asked_alone(Server(says(GOOD))) as asking, asyncio.TaskGroup() as group:
        tasks = [group.create_task(asking.chain.analyse(QUESTION)) for _ in range(20)]

    assert [sum(call.requests for call in task.result().calls) for task in tasks] == [1] * 20


async def test_no_more_questions_are_on_their_way_than_a_provider_takes_at_once() -> None:
    server = Server(says(GOOD))
    narrow = replace(LOCAL, limits=replace(LOCAL.limits, concurrency=2))
    async with asked_alone(server, narrow) as asking, asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(asking.chain.analyse(QUESTION))

    assert len(server.seen) == 12
    assert server.most_at_once <= 2


async def test_cancelling_the_question_cancels_it_at_once() -> None:
    server = Server(hang)
    async with asked_alone(server) as asking, asyncio.TaskGroup() as group:
        question = group.create_task(asking.chain.analyse(QUESTION))
        while not server.seen:
            await asyncio.sleep(0)
        question.cancel()

    assert question.cancelled()


@pytest.mark.parametrize(("window", "facts"), [(200_000, 60), (8_192, 30), (2_600, 15)])
async def test_a_question_is_shortened_until_it_fits_the_window(window: int, facts: int) -> None:
    many = tuple(
        Evidence(EvidenceId(f"e{number}"), EvidenceSource.LOG, POD, "log", f"line {number} " + "word " * 90)
        for number in range(80)
    )
    question = replace(QUESTION, diagnosis=Diagnosis(TARGET, (), many))
    server = Server(says({**GOOD, "evidence": ["e0"]}))
    async with asked_alone(server, replace(LOCAL, window=window)) as asking:
        await asking.chain.analyse(question)

    assert server.prompt().count("fact e") == facts
    assert len(json.dumps(server.seen[0])) / 3 < window


async def test_a_question_that_fits_no_window_goes_nowhere() -> None:
    server = Server(says(GOOD))
    tiny = replace(LOCAL, window=1024)
    wide = replace(QUESTION, causes={f"cause_{number}": "some cause" for number in range(200)})
    async with asked_alone(server, tiny) as asking:
        with pytest.raises(ModelError, match="the window has 1024") as raised:
            await asking.chain.analyse(wide)

    assert raised.value.failure is ModelFailure.TOO_LARGE
    assert server.seen == []


async def test_the_deadline_of_a_provider_holds_for_its_reprompts_together() -> None:
    server = Server(says("prose"), hang)
    async with asked_alone(server, replace(LOCAL, timeout=timedelta(seconds=0.3))) as asking:
        with pytest.raises(ModelError, match="no answer within"):
            await asking.chain.analyse(QUESTION)

    assert len(server.seen) == 2
