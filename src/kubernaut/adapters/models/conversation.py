"""One question to one provider: asked, checked, asked again with what was wrong.

Importing this module takes seconds: `chain` does it when the first question comes.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field

import httpx2
from openai import OpenAIError
from pydantic_ai.exceptions import ModelHTTPError, UserError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from kubernaut.adapters.models.building import build_model
from kubernaut.adapters.models.failing import WIRE_ERRORS, translated
from kubernaut.adapters.models.link import Spending
from kubernaut.adapters.models.prompting import Prompt, instructions
from kubernaut.adapters.models.provider import Kind, Provider
from kubernaut.adapters.models.reply_schema import LONGEST_REPLY_TOKENS, NO_REMEDY, Reply, parse
from kubernaut.adapters.models.suspicion import led_by
from kubernaut.adapters.models.wire import http_client, watch
from kubernaut.domain.errors import ModelError, ModelReplyInvalid, ModelReplySuspicious, ModelUnavailable
from kubernaut.domain.evidence import EvidenceId
from kubernaut.domain.model_calls import ModelFailure
from kubernaut.domain.objects import JsonObject
from kubernaut.ports import Clock, Opinion, Question

_REPROMPTS = 3
# What servers answer to a response format that they do not know.
_FORMAT_REFUSED = frozenset({400, 415, 422, 500, 501})
_WITH_FORMATS = frozenset({Kind.OPENAI_COMPATIBLE, Kind.OPENAI, Kind.AZURE})


class Conversation:
    """Asks one provider. Whatever goes wrong is a `ModelError`; cancellation and time-outs of the caller pass."""

    def __init__(self, provider: Provider, clock: Clock) -> None:
        self._provider = provider
        self._clock = clock
        self._http: httpx2.AsyncClient = http_client(provider)
        try:
            self._model: Model = build_model(provider, self._http)
        except (UserError, OpenAIError, httpx2.InvalidURL, ValueError) as error:
            message = f"{provider.label}: {str(error)[:200]}"
            raise ModelUnavailable(message, failure=ModelFailure.NOT_CONFIGURED) from error
        self._formats = provider.kind in _WITH_FORMATS
        self._takes_json_schema = True

    async def opinion(self, question: Question, prompt: Prompt, spent: Spending) -> Opinion:
        """The opinion, validated against the question; `spent` grows with every request."""
        watch(spent.exchange)
        canary = f"kn-{secrets.token_hex(6)}"
        talk = _Talk(prompt, instructions(canary))
        for left in reversed(range(_REPROMPTS + 1)):
            response = await self._request(talk, spent)
            try:
                return self._opinion(self._checked(question, prompt, response, canary))
            except ModelReplyInvalid as error:
                if not left:
                    raise
                told = f"That cannot be taken: {error}. Answer with the JSON object alone."
                talk.rounds.append((response, told))
        raise AssertionError("the last round returns or raises")

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    def _checked(self, question: Question, prompt: Prompt, response: ModelResponse, canary: str) -> Reply:
        text = response.text or ""
        if canary in text:
            raise ModelReplySuspicious(f"{self._provider.label}: the reply holds the secret word of its instructions")
        reply = parse(text) if response.finish_reason in {"stop", None} or not text.strip() else _cut_off(response)
        diagnosis = question.diagnosis
        found = [
            *(fact.text for fact in diagnosis.evidence),
            *(gap.what for gap in diagnosis.not_read),
            *(one.summary for one in diagnosis.hypotheses),
        ]
        led = led_by(found, reply, offered=prompt.choice.actions)
        if led:
            raise ModelReplySuspicious(f"{self._provider.label}: {led}")
        prompt.choice.check(reply)
        return reply

    def _opinion(self, reply: Reply) -> Opinion:
        return Opinion(
            cause=reply.cause,
            action="" if reply.action == NO_REMEDY else reply.action,
            confidence=reply.confidence_percent / 100,
            evidence=tuple(map(EvidenceId, dict.fromkeys(reply.evidence))),
            explanation=reply.explanation,
            provider=self._provider.label,
        )

    async def _request(self, talk: _Talk, spent: Spending) -> ModelResponse:
        schema = talk.prompt.choice.schema()
        if self._formats and self._takes_json_schema:
            form: JsonObject = {"type": "json_schema", "json_schema": {"name": "Reply", "schema": schema}}
            try:
                return await self._send(talk.messages(), spent, form)
            except ModelHTTPError as error:
                if error.status_code not in _FORMAT_REFUSED:
                    raise self._translated(error, spent) from error
        # Some servers answer 500 to a JSON schema and take it beside the older format.
        older: JsonObject | None = {"type": "json_object", "schema": schema} if self._formats else None
        hint = f"\n\nAnswer with one JSON object that fits this schema:\n{json.dumps(schema)}"
        try:
            response = await self._send(talk.messages(hint), spent, older)
        except ModelHTTPError as error:
            raise self._translated(error, spent) from error
        self._takes_json_schema = False
        return response

    async def _send(self, messages: list[ModelMessage], spent: Spending, form: JsonObject | None) -> ModelResponse:
        settings = ModelSettings(temperature=0.0, max_tokens=LONGEST_REPLY_TOKENS)
        if form is not None:
            # Past the client's own arguments: it takes 15 ms to look through a schema there.
            settings["extra_body"] = {"response_format": form}
        spent.exchange.sent()
        try:
            response = await self._model.request(messages, settings, ModelRequestParameters())
        except ModelHTTPError:
            raise
        except WIRE_ERRORS as error:
            raise self._translated(error, spent) from error
        usage = response.usage
        spent.tokens += usage.total_tokens
        spent.usd += self._provider.price.of(usage.input_tokens, usage.output_tokens)
        return response

    def _translated(self, error: Exception, spent: Spending) -> ModelError:
        return translated(error, spent.exchange, self._provider.label, now=self._clock.now())


@dataclass(slots=True)
class _Talk:
    """What was said so far: the question, and replies with what was wrong with them."""

    prompt: Prompt
    system: str
    rounds: list[tuple[ModelResponse, str]] = field(default_factory=list)

    def messages(self, hint: str = "") -> list[ModelMessage]:
        """All of it, the hint after the question."""
        said: list[ModelMessage] = [self._ours(self.prompt.text + hint)]
        for response, told in self.rounds:
            said += [response, self._ours(told)]
        return said

    def _ours(self, text: str) -> ModelRequest:
        return ModelRequest([UserPromptPart(text)], instructions=self.system)


def _cut_off(response: ModelResponse) -> Reply:
    raise ModelReplyInvalid(
        f"the reply was stopped early ({response.finish_reason}); be brief", failure=ModelFailure.TRUNCATED
    )
