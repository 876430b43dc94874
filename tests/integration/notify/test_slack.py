"""Buttons in Slack, against a stand-in for its endpoints on loopback."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlencode

import httpx2
import pytest

from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.notify.slack import SlackAnswers, SlackNotifier, blocks_of
from kubernaut.domain.errors import NotifyFailed
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.http.operations import Refused
from kubernaut.entrypoints.http.slack import SlackParts
from kubernaut.ports import Message
from tests.examples import NOON
from tests.integration.notify.test_webhook import listening
from tests.serving import Desk, memory_parts, serving
from tests.told import a_waiting_one

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
MESSAGE = Message(IncidentId("inc-1"), "Approval <wanted> & more", ("one", "two"), {"question": "asked-1"})
NOW = int(NOON.timestamp())


class Slack:
    """Clicks as Slack sends them, and what it was told in return."""

    def __init__(
        self, address: str, answers: str, told: list[JsonObject], desk: Desk, incident: str, asked: str
    ) -> None:
        self.address, self.answers, self.told, self.desk = address, answers, told, desk
        self.incident, self.asked = incident, asked

    async def click(
        self, action: str = "kubernaut_approve", *, at: int = NOW, secret: str = SECRET, **changes: object
    ) -> httpx2.Response:
        value = json.dumps({"incident": self.incident, "question": self.asked} | changes)
        payload = {
            "type": "block_actions",
            "user": {"id": "U123", "username": "anna"},
            "actions": [{"action_id": action, "value": value}],
            "response_url": self.answers,
        }
        return await self.post(urlencode({"payload": json.dumps(payload)}).encode(), at=at, secret=secret)

    async def post(self, body: bytes, *, at: int = NOW, secret: str = SECRET) -> httpx2.Response:
        signed = b"v0:%d:%s" % (at, body)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": str(at),
            "x-slack-signature": "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(),
        }
        async with httpx2.AsyncClient(trust_env=False) as client:
            return await client.post(f"{self.address}/api/v1/slack/interactions", content=body, headers=headers)


@asynccontextmanager
async def connected() -> AsyncIterator[Slack]:
    desk = Desk()
    async with listening(OK) as (url, told):
        inbox = MemorySignalStore()
        parts = memory_parts(inbox, desk)
        store = parts.incidents
        assert isinstance(store, MemoryIncidentStore)
        waiting = await a_waiting_one(store)
        (asked,) = [each for each in await store.events(waiting.id) if each.kind.value == "asked"]
        answers = SlackAnswers(url)
        parts = replace(parts, slack=SlackParts(SECRET, answers), token="not for Slack")
        async with serving(parts) as address:
            yield Slack(address, url, told, desk, waiting.id, asked.key)
        await answers.aclose()


async def test_a_click_on_approve_is_an_order_in_the_name_of_who_clicked() -> None:
    async with connected() as slack:
        answer = await slack.click()
    assert (answer.status_code, answer.content) == (200, b"")
    ((verb, incident, told),) = slack.desk.taken
    assert (verb, incident, told.by) == ("approve", slack.incident, "slack:U123")
    assert told.reason == "by the button in Slack, as anna"
    assert slack.told == [{"text": f"{slack.incident}: as you say (anna)", "replace_original": True}]


async def test_a_click_on_reject_is_a_refusal() -> None:
    async with connected() as slack:
        await slack.click("kubernaut_reject")
    assert [verb for verb, *_ in slack.desk.taken] == ["reject"]


async def test_a_click_with_a_wrong_signature_does_nothing() -> None:
    async with connected() as slack:
        answer = await slack.click(secret="another")
    assert answer.status_code == 401
    assert "wrong_signature" in answer.text
    assert slack.desk.taken == []


@pytest.mark.parametrize("age", [301, -301])
async def test_a_click_that_was_recorded_and_is_sent_again_later_does_nothing(age: int) -> None:
    async with connected() as slack:
        answer = await slack.click(at=NOW - age)
    assert (answer.status_code, slack.desk.taken) == (401, [])


async def test_a_body_that_was_changed_after_it_was_signed_does_nothing() -> None:
    async with connected() as slack:
        signed = b"v0:%d:%s" % (NOW, b"payload=1")
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": str(NOW),
            "x-slack-signature": "v0=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest(),
        }
        async with httpx2.AsyncClient(trust_env=False) as client:
            url = f"{slack.address}/api/v1/slack/interactions"
            answer = await client.post(url, content=b"payload=2", headers=headers)
    assert (answer.status_code, slack.desk.taken) == (401, [])


@pytest.mark.parametrize("headers", [{}, {"x-slack-request-timestamp": "soon"}, {"x-slack-signature": "v0="}])
async def test_a_click_without_time_or_signature_does_nothing(headers: dict[str, str]) -> None:
    async with connected() as slack, httpx2.AsyncClient(trust_env=False) as client:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        url = f"{slack.address}/api/v1/slack/interactions"
        answer = await client.post(url, content=b"payload=1", headers=kind | headers)
    assert (answer.status_code, slack.desk.taken) == (401, [])


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=[]", b"payload={}", b"other=1", b"payload=%7B%22a", b"\xff"]
)
async def test_a_signed_body_that_is_no_click_is_refused(body: bytes) -> None:
    async with connected() as slack:
        answer = await slack.post(body)
    assert (answer.status_code, slack.desk.taken) == (400, [])


async def test_a_button_that_there_is_not_is_refused() -> None:
    async with connected() as slack:
        answer = await slack.click("delete_cluster")
    assert answer.status_code == 400
    assert "there is no button delete_cluster" in answer.text


async def test_a_button_of_an_older_question_is_told_to_the_person_alone() -> None:
    async with connected() as slack:
        answer = await slack.click(question="asked-0")
    assert (answer.status_code, slack.desk.taken) == (200, [])
    assert slack.told[0]["response_type"] == "ephemeral"
    assert "no longer what it asks" in str(slack.told[0]["text"])


async def test_who_may_not_approve_is_told_who_may_and_nobody_else_is() -> None:
    async with connected() as slack:
        slack.desk.answer = Refused("slack:U123 may not approve this", "these may: ben")
        await slack.click()
    assert slack.told[0] == {
        "text": f"{slack.incident}: slack:U123 may not approve this. these may: ben",
        "replace_original": False,
        "response_type": "ephemeral",
    }


async def test_an_answer_goes_to_slack_alone() -> None:
    async with connected() as slack:
        slack.answers = "http://127.0.0.1:1/elsewhere"
        answer = await slack.click()
    assert (answer.status_code, slack.told) == (200, [])
    assert [verb for verb, *_ in slack.desk.taken] == ["approve"]


async def test_without_a_secret_there_is_no_such_way_in() -> None:
    async with serving(memory_parts(MemorySignalStore())) as address, httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{address}/api/v1/slack/interactions", content=b"payload=1")
    assert answer.status_code == 404


async def test_a_question_comes_with_buttons_and_everything_is_escaped() -> None:
    async with listening(OK) as (url, received):
        notifier = SlackNotifier(url)
        assert await notifier.send(MESSAGE) == "slack"
        await notifier.aclose()
    text = json.dumps(received[0])
    assert "Approval &lt;wanted&gt; &amp; more" in text
    assert [each["action_id"] for each in received[0]["blocks"][-1]["elements"]] == [
        "kubernaut_approve",
        "kubernaut_reject",
    ]  # type: ignore[index,call-overload,union-attr]


def test_what_asks_nothing_has_no_buttons() -> None:
    assert "actions" not in {block["type"] for block in blocks_of(replace(MESSAGE, facts={}))}  # type: ignore[index,call-overload]


def test_long_text_is_split_at_a_line_and_never_larger_than_slack_takes() -> None:
    blocks = blocks_of(replace(MESSAGE, lines=("x" * 1000,) * 60))
    assert len(blocks) <= 11
    assert max(len(str(block)) for block in blocks[:-1]) < 3100


async def test_slack_refusing_a_message_is_a_failure() -> None:
    async with listening(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n") as (url, _):
        notifier = SlackNotifier(url)
        with pytest.raises(NotifyFailed, match="slack: HTTP 500"):
            await notifier.send(MESSAGE)
        await notifier.aclose()
