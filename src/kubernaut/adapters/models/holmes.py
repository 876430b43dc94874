"""HolmesGPT as one more provider: an investigator with tools of its own, asked over its HTTP API.

    POST /api/chat {ask, model?, response_format, conversation_history?}
        -> {analysis, tool_calls, conversation_history, metadata: {costs?, usage?}, ...}

It is asked for JSON of the same schema as a model, and its reply is judged in the same way, with what its tools have
read among the texts that may have led it. A server that answers in words is quoted and decides nothing. Servers from
before `/api/chat` had `/api/investigate`, which knows no schema: what they say is a quotation at best.

It is never told to act: no approval of a tool is sent, and what it proposes to do next is not read.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import httpx2
from pydantic_ai.exceptions import ModelHTTPError

from kubernaut.adapters.models.failing import WIRE_ERRORS, translated
from kubernaut.adapters.models.judging import Judge
from kubernaut.adapters.models.link import Spending
from kubernaut.adapters.models.prompting import Prompt, instructions
from kubernaut.adapters.models.provider import Provider
from kubernaut.adapters.models.wire import http_client, watch
from kubernaut.domain.errors import ModelError, ModelReplyInvalid
from kubernaut.domain.model_calls import ModelFailure
from kubernaut.domain.objects import Json, JsonObject, ObjectRef, Tree
from kubernaut.domain.redaction import redact_text
from kubernaut.ports import Clock, Opinion, Question

_REPROMPTS = 1
# A reply holds the whole conversation with all that its tools read.
_MOST_REPLY_BYTES = 8 << 20
_MOST_TEXTS, _LONGEST_TEXT = 100, 2000
_LONGEST_QUOTE = 600
_MOST_TOKENS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Answer:
    analysis: str
    read: tuple[str, ...]
    history: list[Json]


class HolmesConversation:
    """Asks one server. Whatever goes wrong is a `ModelError`; cancellation and time-outs of the caller pass."""

    def __init__(self, provider: Provider, clock: Clock) -> None:
        self._provider = provider
        self._clock = clock
        self._http: httpx2.AsyncClient = http_client(provider, most_bytes=_MOST_REPLY_BYTES)
        self._has_chat = True

    async def opinion(self, question: Question, prompt: Prompt, spent: Spending) -> Opinion:
        """The opinion, validated against the question; `spent` grows with every request."""
        watch(spent.exchange)
        canary = f"kn-{secrets.token_hex(6)}"
        judge = Judge(question, self._provider.label, canary)
        ask = f"{instructions(canary)}\n\n{prompt.text}{prompt.demand()}"
        history: list[Json] = []
        for left in reversed(range(_REPROMPTS + 1)):
            answer = await self._answer(question.diagnosis.target, ask, history, prompt, spent)
            try:
                return judge.opinion(answer.analysis, prompt, (), answer.read)
            except ModelReplyInvalid as error:
                if error.failure is ModelFailure.NOT_JSON:
                    judge.refuse_led_words(answer.analysis, answer.read)
                    spent.said = " ".join(redact_text(answer.analysis[: 4 * _LONGEST_QUOTE]).split())[:_LONGEST_QUOTE]
                    message = f"{self._provider.label}: it answered in words, which decide nothing"
                    raise ModelReplyInvalid(message, failure=ModelFailure.PROSE) from error
                if not left:
                    raise
                told = f"That cannot be taken: {error}. Answer with the JSON object alone."
                ask, history = (told if answer.history else f"{ask}\n\n{told}"), answer.history
        raise AssertionError("the last round returns or raises")

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    async def _answer(
        self, target: ObjectRef, ask: str, history: list[Json], prompt: Prompt, spent: Spending
    ) -> _Answer:
        if self._has_chat:
            form: JsonObject = {
                "type": "json_schema",
                "json_schema": {"name": "Reply", "strict": True, "schema": prompt.choice.schema()},
            }
            body: JsonObject = {"ask": ask, "response_format": form, "stream": False}
            if history:
                body["conversation_history"] = history
            try:
                return self._read(await self._posted("/api/chat", body, spent), spent)
            except ModelError as error:
                if error.failure is not ModelFailure.MODEL_MISSING:
                    raise
        found = self._read(await self._posted("/api/investigate", _older_form(target, ask), spent), spent)
        self._has_chat = False
        return found

    async def _posted(self, path: str, body: JsonObject, spent: Spending) -> bytes:
        provider = self._provider
        sent = {**body, "model": provider.model} if provider.model else body
        headers = {"Authorization": f"Bearer {provider.key}"} if provider.key else {}
        spent.exchange.sent()
        try:
            reply = await self._http.post(f"{provider.endpoint.rstrip('/')}{path}", json=sent, headers=headers)
        except WIRE_ERRORS as error:
            raise self._translated(error, spent) from error
        if not reply.is_success:
            refused = ModelHTTPError(reply.status_code, provider.model, headers=dict(reply.headers))
            raise self._translated(refused, spent)
        return reply.content

    def _read(self, content: bytes, spent: Spending) -> _Answer:
        try:
            raw = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ModelReplyInvalid(f"{self._provider.label}: not JSON", failure=ModelFailure.NOT_JSON) from error
        body = Tree(raw if isinstance(raw, dict) else {})
        self._count(body.tree("metadata"), spent)
        analysis = body.at("analysis")
        if not isinstance(analysis, str):
            message = f"{self._provider.label}: no analysis in the reply"
            raise ModelReplyInvalid(message, failure=ModelFailure.WRONG_SCHEMA)
        read = tuple(text[:_LONGEST_TEXT] for text in islice(_texts(body.at("tool_calls")), _MOST_TEXTS))
        history = body.at("conversation_history")
        return _Answer(analysis, read, history if isinstance(history, list) else [])

    def _count(self, metadata: Tree, spent: Spending) -> None:
        """The sum over its calls of a model where the server tells it, the last of them otherwise."""
        told = metadata.tree("costs") if metadata.has("costs") else metadata.tree("usage")
        prompt, reply = _tokens(told, "prompt_tokens"), _tokens(told, "completion_tokens")
        spent.tokens += max(_tokens(told, "total_tokens"), prompt + reply)
        usd = told.number("total_cost")
        spent.usd += usd if 0 < usd < math.inf else self._provider.price.of(prompt, reply)

    def _translated(self, error: Exception, spent: Spending) -> ModelError:
        return translated(error, spent.exchange, self._provider.label, now=self._clock.now())


def _older_form(target: ObjectRef, ask: str) -> JsonObject:
    return {
        "source": "kubernaut",
        "title": str(target),
        "description": ask,
        "subject": {"kind": target.kind, "namespace": target.namespace, "name": target.name},
        "context": {},
        "include_tool_calls": True,
        "include_tool_call_results": True,
    }


def _tokens(told: Tree, name: str) -> int:
    return min(max(0, told.integer(name)), _MOST_TOKENS)


def _texts(value: Json) -> Iterator[str]:
    """All texts inside; deep ones last, so that a value that is built to be endless costs little."""
    waiting = [value]
    while waiting:
        inside: list[Json] = []
        for one in waiting:
            match one:
                case str():
                    yield one
                case list():
                    inside += one
                case dict():
                    inside += one.values()
                case _:
                    pass
        waiting = inside
