"""Clicks on the buttons in Slack: whoever is allowed to is let through by the request's signature, not by the token."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive

from kubernaut.domain.errors import KubernautError, NotifyFailed, UnknownName
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.entrypoints.http.bodies import BodyReader
from kubernaut.entrypoints.http.operations import Done, Instruction, Operations
from kubernaut.entrypoints.http.problems import Problem, RequestRefused, problem_of
from kubernaut.entrypoints.http.replies import Headers, Reply
from kubernaut.ports import Clock, IncidentStore

log = structlog.get_logger(__name__)

SLACK_PATH = "/api/v1/slack/interactions"
APPROVE, REJECT = "kubernaut_approve", "kubernaut_reject"
# What Slack recommends: an older request may be one that somebody recorded and sends again.
_OLDEST_S = 300
_FORM = b"application/x-www-form-urlencoded"
_SIGNED = "v0"


class Answers(Protocol):
    """Where the answer to a click goes."""

    def answer(self, url: str, text: str, *, private: bool) -> Awaitable[None]:
        """In place of the message, or for the person alone. Raises `NotifyFailed`."""


@dataclass(frozen=True, slots=True)
class SlackParts:
    """The secret that Slack signs with, and where answers go."""

    secret: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class Click:
    """A button that a person pressed; `question` names the request for consent that the button was drawn from."""

    verb: str
    incident: str
    question: str
    user: str
    name: str
    answer_to: str


class SlackEndpoint:
    """Takes clicks. Nothing of a request is looked at before its signature is right."""

    def __init__(
        self, parts: SlackParts, operations: Operations, incidents: IncidentStore, clock: Clock, bodies: BodyReader
    ) -> None:
        self._parts = parts
        self._operations = operations
        self._incidents = incidents
        self._clock = clock
        self._bodies = bodies

    async def answer(self, method: str, headers: Headers, receive: Receive) -> Reply:
        """The answer to one request: 200 once the click was taken or refused in words to the person."""
        try:
            if method != "POST":
                raise RequestRefused(Problem(405, "wrong_method", f"{method} is not taken here", help="send POST"))
            body = await self._bodies.read(headers, receive, kind=_FORM)
            check_signature(self._parts.secret, headers, body, now_s=self._clock.now().timestamp())
            click = click_of(body)
            text, private = await self._do(click)
            await self._say(click, text, private=private)
        except KubernautError as error:
            problem = problem_of(error)
            log.info("click refused", status=problem.status, detail=problem.detail)
            return problem.reply()
        return Reply(200, b"")

    async def _do(self, click: Click) -> tuple[str, bool]:
        """What is told, and whether to the person alone: a refusal is nobody else's business."""
        incident = IncidentId(click.incident)
        asked = await self._incidents.events(incident, kinds=(EventKind.ASKED,))
        if not asked or asked[-1].key != click.question:
            return f"{click.incident}: this is no longer what it asks; look at its page", True
        order = self._operations.approve if click.verb == APPROVE else self._operations.reject
        told = Instruction(by=f"slack:{click.user}", reason=f"by the button in Slack, as {click.name}")
        try:
            taken = await order(incident, told)
        except UnknownName as error:
            return str(error), True
        if isinstance(taken, Done):
            return f"{click.incident}: {taken.text} ({click.name})", False
        return f"{click.incident}: {taken.reason}. {taken.help}".strip(), True

    async def _say(self, click: Click, text: str, *, private: bool) -> None:
        try:
            await self._parts.answers.answer(click.answer_to, text, private=private)
        except NotifyFailed as error:
            # The order is taken all the same; its incident tells of it.
            log.warning("slack took no answer", incident=click.incident, error=str(error))


def check_signature(secret: str, headers: Headers, body: bytes, *, now_s: float) -> None:
    """Raises `RequestRefused` (401) where Slack did not sign this within the last five minutes."""
    stamp = headers.get(b"x-slack-request-timestamp", b"")
    if not stamp.isdigit() or abs(now_s - int(stamp)) > _OLDEST_S:
        raise RequestRefused(Problem(401, "stale_signature", "the request is older than five minutes, or has no time"))
    signed = b"%s:%s:%s" % (_SIGNED.encode(), stamp, body)
    expected = f"{_SIGNED}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
    if not hmac.compare_digest(expected.encode(), headers.get(b"x-slack-signature", b"")):
        raise RequestRefused(Problem(401, "wrong_signature", "the signature is not that of the request"))


def click_of(body: bytes) -> Click:
    """The click of a signed body. Raises `RequestRefused` (400) for anything else."""
    try:
        (payload,) = parse_qs(body.decode(), max_num_fields=5, strict_parsing=True)["payload"]
        content = Tree(_object(payload))
        (action,) = content.trees("actions")
        value = Tree(_object(action.text("value")))
    except (ValueError, KeyError, RecursionError) as error:
        raise RequestRefused(Problem(400, "malformed_click", "this is no click on one of our buttons")) from error
    verb = action.text("action_id")
    if verb not in {APPROVE, REJECT}:
        raise RequestRefused(Problem(400, "unknown_button", f"there is no button {verb[:80]}"))
    user = content.text("user", "id")
    if not user:
        raise RequestRefused(Problem(400, "malformed_click", "nobody is named who pressed the button"))
    name = content.text("user", "username") or content.text("user", "name") or user
    question = value.text("question")
    return Click(verb, value.text("incident"), question, user, name[:80], content.text("response_url"))


def _object(text: str) -> JsonObject:
    # An object or an error, in the one word of the caller: a list has no buttons.
    content: Json = json.loads(text)
    return dict(content) if isinstance(content, dict) else {}
