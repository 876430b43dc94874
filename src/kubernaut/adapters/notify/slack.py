"""Messages to Slack by an incoming webhook, with buttons where something is asked, and answers to clicks."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx2

from kubernaut.domain.errors import NotifyFailed
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.ports import Message

APPROVE, REJECT = "kubernaut_approve", "kubernaut_reject"
_ACCEPTED = range(200, 300)
# Slack refuses a block with more; the rest is on the incident's page.
_LONGEST_BLOCK = 2900
_MOST_BLOCKS = 10


class SlackNotifier:
    """Posts Block Kit messages to one webhook, whose address is a secret."""

    def __init__(self, url: str, *, timeout: timedelta = timedelta(seconds=4)) -> None:
        self._url = url
        self._client = httpx2.AsyncClient(timeout=timeout.total_seconds(), follow_redirects=False)

    async def send(self, message: Message) -> str:
        """Where it went, in words. Raises `NotifyFailed`."""
        await _post(self._client, self._url, {"text": escaped(message.title), "blocks": blocks_of(message)})
        return "slack"

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._client.aclose()


class SlackAnswers:
    """Answers to a click, at the address that came with it. Only addresses of `prefix` are written to."""

    def __init__(self, prefix: str, *, timeout: timedelta = timedelta(seconds=2)) -> None:
        self._prefix = prefix
        self._client = httpx2.AsyncClient(timeout=timeout.total_seconds(), follow_redirects=False)

    async def answer(self, url: str, text: str, *, private: bool) -> None:
        """Puts the text in place of the message, or shows it to the person alone. Raises `NotifyFailed`."""
        if not url.startswith(self._prefix):
            raise NotifyFailed("Slack named an address that is not its own to answer to")
        body: JsonObject = {"text": escaped(text), "replace_original": not private}
        if private:
            body["response_type"] = "ephemeral"
        await _post(self._client, url, body)

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._client.aclose()


def blocks_of(message: Message) -> list[Json]:
    """The message as Block Kit blocks; text that is not ours is escaped, and long text is split at a line."""
    blocks: list[Json] = [{"type": "section", "text": _markdown(f"*{escaped(message.title)}*")}]
    part = ""
    for line in [*message.lines, ""]:
        safe = escaped(line)[:_LONGEST_BLOCK]
        if part and (not line or len(part) + len(safe) > _LONGEST_BLOCK):
            blocks.append({"type": "section", "text": _markdown(part.rstrip())})
            part = ""
        part += f"{safe}\n" if line else ""
    blocks = blocks[:_MOST_BLOCKS]
    question = message.facts.get("question")
    if isinstance(question, str):
        value = json.dumps({"incident": message.incident, "question": question})
        blocks.append(
            {"type": "actions", "elements": [_button("Approve", APPROVE, value), _button("Reject", REJECT, value)]}
        )
    return blocks


def escaped(text: str) -> str:
    """The text without what Slack reads as a link, a mention or an entity."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown(text: str) -> JsonObject:
    return {"type": "mrkdwn", "text": text}


def _button(label: str, action: str, value: str) -> JsonObject:
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": label},
        "action_id": action,
        "value": value,
        "style": "primary" if action == APPROVE else "danger",
        "confirm": {
            "title": {"type": "plain_text", "text": f"{label}?"},
            "text": {"type": "plain_text", "text": "What was shown is what is done."},
            "confirm": {"type": "plain_text", "text": label},
            "deny": {"type": "plain_text", "text": "Back"},
        },
    }


async def _post(client: httpx2.AsyncClient, url: str, body: JsonObject) -> None:
    try:
        async with client.stream("POST", url, json=body) as response:
            status = response.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NotifyFailed(f"slack: {type(error).__name__}") from error
    if status not in _ACCEPTED:
        raise NotifyFailed(f"slack: HTTP {status}")
