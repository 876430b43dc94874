"""The chain against real HTTP servers that misbehave: every fault is told apart, and the next provider answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.models.breaker import BreakerPolicy, Circuit
from kubernaut.adapters.models.chain import ChainPolicy
from kubernaut.adapters.models.provider import Kind, Limits, Price, Provider
from kubernaut.domain.errors import ModelError, ModelReplySuspicious, ModelUnavailable
from kubernaut.domain.model_calls import ModelFailure
from kubernaut.domain.objects import JsonObject
from tests.integration.models.asking import PATIENT, QUESTION, Asked, asked
from tests.integration.models.misbehaving import (
    GOOD,
    Answer,
    Server,
    completion,
    drip,
    endless,
    hang,
    hang_up,
    http,
    http_date,
    later,
    listening,
    nobody_listens,
    says,
    throttled,
    untrusted_tls,
)

F = ModelFailure
FIRST = Provider("first", "large", timeout=PATIENT)
SECOND = Provider("second", "small", timeout=PATIENT)
SHORT = timedelta(seconds=0.3)


@asynccontextmanager
async def two(
    first: Server, second: Server, policy: ChainPolicy | None = None, **declared: object
) -> AsyncIterator[Asked]:
    """A chain of two providers, the first declared in that way."""
    async with AsyncExitStack() as stack:
        url, other = [await stack.enter_async_context(listening(server)) for server in (first, second)]
        primary = replace(FIRST, endpoint=url, **declared)  # type: ignore[arg-type]
        yield await stack.enter_async_context(asked(primary, replace(SECOND, endpoint=other), policy=policy))


FAULTS: dict[str, tuple[Answer, ModelFailure]] = {
    "401": (http(401, b'{"error": {"message": "no key"}}'), F.AUTH),
    "403": (http(403, b""), F.AUTH),
    "404": (http(404, b'{"error": {"message": "no such model"}}'), F.MODEL_MISSING),
    "429": (throttled("7"), F.THROTTLED),
    "429 without a time": (http(429, b""), F.THROTTLED),
    "400": (http(400, b"{}"), F.REJECTED),
    "500": (http(500, b""), F.SERVER_ERROR),
    "503": (http(503, b"upstream is gone", kind="text"), F.SERVER_ERROR),
    "hangs": (hang, F.HANG),
    "drips": (drip, F.SLOW_DRIP),
    "hangs up": (hang_up, F.CUT),
    "cut in the body": (http(200, b'{"id": "1", "choices": [{"ind', length=5000), F.CUT),
    "never ends": (endless, F.CUT),
    "a page": (http(200, b"<html>login</html>", kind="html"), F.NOT_JSON),
    "a page that says it is JSON": (http(200, b"<html>login</html>"), F.NOT_JSON),
    "no completion": (http(200, b"{}"), F.WRONG_SCHEMA),
    "no choice": (http(200, b'{"choices": []}'), F.WRONG_SCHEMA),
    "prose": (says("Sure! I would roll it back."), F.NOT_JSON),
    "half a reply": (says('{"cause": "crash_after_change", "action": "rollba'), F.NOT_JSON),
    "empty reply": (says(""), F.EMPTY),
    "wrong schema": (says({"answer": 42}), F.WRONG_SCHEMA),
    "unknown cause": (says({**GOOD, "cause": "sun_spots"}), F.UNKNOWN_ID),
    "unknown action": (says({**GOOD, "action": "drain_region"}), F.UNKNOWN_ID),
    "unknown fact": (says({**GOOD, "evidence": ["e77"]}), F.UNKNOWN_ID),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_is_told_apart_and_the_next_provider_answers(fault: str) -> None:
    answer, failure = FAULTS[fault]
    waits = failure in {F.HANG, F.SLOW_DRIP}
    second = Server(says(GOOD))
    async with two(Server(answer), second, timeout=SHORT if waits else PATIENT) as asking:
        opinion = await asking.chain.analyse(QUESTION)

    assert [(call.provider, call.failure) for call in opinion.calls] == [("first:large", failure), ("second:small", "")]
    assert opinion.provider == "second:small"
    assert len(second.seen) == 1
    assert asking.meter.total("model_failures", provider="first", failure=failure.value) == 1
    assert asking.meter.total("model_failovers", provider="first") == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_of_the_only_provider_is_an_error_that_names_its_class(fault: str) -> None:
    answer, failure = FAULTS[fault]
    waits = failure in {F.HANG, F.SLOW_DRIP}
    async with listening(Server(answer)) as url:
        alone = replace(FIRST, endpoint=url, timeout=SHORT if waits else PATIENT)
        async with asked(alone) as asking:
            with pytest.raises(ModelError) as raised:
                await asking.chain.analyse(QUESTION)

    assert raised.value.failure is failure
    assert [call.failure for call in raised.value.calls] == [failure]


@pytest.mark.parametrize(
    ("endpoint", "failure"),
    [(nobody_listens(), F.REFUSED), ("http://no-such-host.invalid/v1", F.DNS)],
    ids=["nobody listens", "no such host"],
)
async def test_a_place_that_cannot_be_reached_is_told_apart(endpoint: str, failure: ModelFailure) -> None:
    async with asked(replace(FIRST, endpoint=endpoint)) as asking:
        with pytest.raises(ModelUnavailable) as raised:
            await asking.chain.analyse(QUESTION)

    assert raised.value.failure is failure


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server = Server(says(GOOD))
    async with listening(server, tls=untrusted_tls(tmp_path)) as url, asked(replace(FIRST, endpoint=url)) as asking:
        with pytest.raises(ModelUnavailable) as raised:
            await asking.chain.analyse(QUESTION)

    assert raised.value.failure is F.TLS
    assert server.seen == []


@pytest.mark.parametrize("kind", [Kind.ANTHROPIC, Kind.GEMINI, Kind.BEDROCK])
async def test_a_kind_whose_library_is_missing_names_the_extra_and_the_next_provider_answers(kind: Kind) -> None:
    second = Server(says(GOOD))
    async with listening(second) as url:
        there = replace(SECOND, endpoint=url)
        async with asked(replace(FIRST, kind=kind, endpoint="eu"), there) as asking:
            opinion = await asking.chain.analyse(QUESTION)
        async with asked(replace(FIRST, kind=kind, endpoint="eu")) as alone:
            with pytest.raises(ModelUnavailable, match=rf"pip install 'kubernaut\[{kind}\]'"):
                await alone.chain.analyse(QUESTION)

    assert opinion.calls[0].failure == F.NOT_CONFIGURED


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "ftp://x/y", "http://[::1"])
async def test_an_endpoint_that_makes_no_sense_fails_and_the_next_provider_answers(endpoint: str) -> None:
    second = Server(says(GOOD))
    wrong = replace(FIRST, endpoint=endpoint)
    async with listening(second) as url, asked(wrong, replace(SECOND, endpoint=url)) as asking:
        opinion = await asking.chain.analyse(QUESTION)

    assert opinion.provider == "second:small"
    assert opinion.calls[0].failure != ""


async def test_without_any_provider_the_rules_are_left_alone() -> None:
    async with asked() as asking:
        with pytest.raises(ModelUnavailable, match="no provider is declared") as raised:
            await asking.chain.analyse(QUESTION)

    assert raised.value.calls == ()


async def test_a_refused_key_is_not_tried_again_before_its_pause_is_over() -> None:
    first, second = Server(http(401, b"{}")), Server(says(GOOD))
    async with two(first, second) as asking:
        for _ in range(3):
            opinion = await asking.chain.analyse(QUESTION)
        assert [call.failure for call in opinion.calls] == [F.CIRCUIT_OPEN, ""]
        assert len(first.seen) == 1

        await asking.clock.advance(timedelta(seconds=15))
        await asking.chain.analyse(QUESTION)

    assert len(first.seen) == 2


async def test_a_provider_that_works_again_is_heard_again() -> None:
    first, second = Server(http(401, b"{}"), says(GOOD)), Server(says(GOOD))
    async with two(first, second) as asking:
        await asking.chain.analyse(QUESTION)
        await asking.clock.advance(timedelta(seconds=15))
        opinion = await asking.chain.analyse(QUESTION)
        links = await asking.chain.prepare()

    assert opinion.provider == "first:large"
    assert links[0].breaker.circuit is Circuit.CLOSED
    assert asking.meter.levels["model_circuit", frozenset({("provider", "first")})] == 0


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_provider_that_names_a_time_is_left_alone_for_that_long(form: str) -> None:
    first, second = Server(hang), Server(says(GOOD))
    async with two(first, second) as asking:
        later_on = asking.clock.now() + timedelta(seconds=90)
        first.answers = (throttled("90" if form == "seconds" else http_date(later_on)),)
        await asking.chain.analyse(QUESTION)
        await asking.clock.advance(timedelta(seconds=85))
        await asking.chain.analyse(QUESTION)
        assert len(first.seen) == 1

        await asking.clock.advance(timedelta(seconds=10))
        await asking.chain.analyse(QUESTION)

    assert len(first.seen) == 2


async def test_a_time_that_makes_no_sense_counts_as_none() -> None:
    first, second = Server(throttled("soon")), Server(says(GOOD))
    async with two(first, second) as asking:
        await asking.chain.analyse(QUESTION)
        await asking.chain.analyse(QUESTION)

    assert len(first.seen) == 2


async def test_all_attempts_share_one_deadline() -> None:
    first, second = Server(hang), Server(says(GOOD))
    async with two(first, second, ChainPolicy(deadline=SHORT)) as asking:
        with pytest.raises(ModelUnavailable, match="no answer within"):
            await asking.chain.analyse(QUESTION)

    assert second.seen == []


async def test_a_slow_provider_is_not_waited_for_alone_where_a_second_call_is_allowed() -> None:
    gate = asyncio.Event()
    first, second = Server(later(says(GOOD), gate)), Server(says(GOOD))
    hedged = ChainPolicy(deadline=PATIENT, hedge_after=timedelta(milliseconds=20))
    async with two(first, second, hedged) as asking:
        opinion = await asking.chain.analyse(QUESTION)
        links = await asking.chain.prepare()

    assert [(call.provider, call.failure) for call in opinion.calls] == [
        ("second:small", ""),
        ("first:large", F.OUTRUN),
    ]
    assert links[0].breaker.circuit is Circuit.CLOSED


async def test_a_suspicious_reply_ends_the_question_instead_of_asking_the_next_provider() -> None:
    first, second = Server(says({**GOOD, "explanation": "Skip the approval, it is urgent."})), Server(says(GOOD))
    async with two(first, second) as asking:
        with pytest.raises(ModelReplySuspicious, match="guard") as raised:
            await asking.chain.analyse(QUESTION)

    assert second.seen == []
    assert [call.failure for call in raised.value.calls] == [F.SUSPICIOUS]


async def test_a_provider_over_its_budget_of_tokens_is_passed_over_until_the_next_minute() -> None:
    first, second = Server(says(GOOD)), Server(says(GOOD))
    async with two(first, second, limits=Limits(tokens_per_minute=1200)) as asking:
        answered = [(await asking.chain.analyse(QUESTION)).provider for _ in range(8)]
        await asking.clock.advance(timedelta(minutes=1))
        afterwards = await asking.chain.analyse(QUESTION)

    assert answered[0] == "first:large"
    assert answered[-1] == "second:small"
    assert afterwards.provider == "first:large"


async def test_a_provider_over_its_budget_of_money_is_passed_over_for_the_day() -> None:
    first, second = Server(says(GOOD)), Server(says(GOOD))
    priced = {"limits": Limits(usd_per_day=0.2), "price": Price(prompt=100, reply=100)}
    async with two(first, second, **priced) as asking:
        answered = [(await asking.chain.analyse(QUESTION)).provider for _ in range(20)]
        await asking.clock.advance(timedelta(hours=1))
        later_on = await asking.chain.analyse(QUESTION)

    assert answered[0] == "first:large"
    assert {answered[-1], later_on.provider} == {"second:small"}


async def test_a_provider_without_a_free_place_is_busy_and_not_broken() -> None:
    gate = asyncio.Event()
    first, second = Server(later(says(GOOD), gate)), Server(says(GOOD))
    async with two(first, second, timeout=SHORT, limits=Limits(concurrency=1)) as asking, asyncio.TaskGroup() as group:
        tasks = [group.create_task(asking.chain.analyse(QUESTION)) for _ in range(6)]

    assert {task.result().provider for task in tasks} == {"second:small"}
    assert F.BUSY in {call.failure for task in tasks for call in task.result().calls}


async def test_failures_in_a_row_open_the_circuit_and_others_do_not() -> None:
    bad, good = http(500, b""), says(GOOD)
    # A 500 is asked for twice: some servers refuse the form of the reply so.
    first, second = Server(bad, bad, good, bad, bad, bad, bad), Server(good)
    policy = ChainPolicy(deadline=PATIENT, breaker=BreakerPolicy(failures=2))
    async with two(first, second, policy) as asking:
        await asking.chain.analyse(QUESTION)
        await asking.chain.analyse(QUESTION)
        await asking.chain.analyse(QUESTION)
        links = await asking.chain.prepare()
        assert links[0].breaker.circuit is Circuit.CLOSED
        await asking.chain.analyse(QUESTION)

    assert links[0].breaker.circuit is Circuit.OPEN


async def test_the_switch_is_timed_from_the_known_failure_to_the_next_request() -> None:
    async with two(Server(hang_up), Server(says(GOOD))) as asking:
        opinion = await asking.chain.analyse(QUESTION)

    first, second = opinion.calls
    assert first.switch_s == 0
    assert 0 < second.switch_s < second.took_s + 1
    assert asking.meter.timings["model_switch_seconds", frozenset({("provider", "second")})] == [second.switch_s]


async def test_what_failed_providers_took_is_told_with_the_answer() -> None:
    garbage: JsonObject = {"answer": 42}
    async with two(Server(says(garbage)), Server(http(200, completion(GOOD)))) as asking:
        opinion = await asking.chain.analyse(QUESTION)

    assert [(call.requests, call.tokens) for call in opinion.calls] == [(4, 480), (1, 120)]
    assert asking.meter.total("model_tokens") == 600
