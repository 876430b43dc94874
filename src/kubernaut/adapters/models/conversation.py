"""One question to one provider: asked, checked, asked again with what was wrong.

Importing this module takes seconds: `chain` does it when the first question comes.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx2
from openai import OpenAIError
from pydantic_ai.exceptions import ModelHTTPError, UserError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from kubernaut.adapters.models.building import build_model
from kubernaut.adapters.models.failing import WIRE_ERRORS, translated
from kubernaut.adapters.models.judging import Judge
from kubernaut.adapters.models.link import Spending
from kubernaut.adapters.models.looking_up import MOST_ROUNDS, LookingUp, definitions, size_of
from kubernaut.adapters.models.prompting import CHARACTERS_A_TOKEN, Prompt, instructions
from kubernaut.adapters.models.provider import Kind, Provider
from kubernaut.adapters.models.reply_schema import LONGEST_REPLY_TOKENS
from kubernaut.adapters.models.wire import http_client, watch
from kubernaut.domain.errors import ModelError, ModelReplyInvalid, ModelUnavailable
from kubernaut.domain.evidence import Evidence
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
        self._takes_tools = provider.tools

    async def opinion(self, question: Question, prompt: Prompt, spent: Spending) -> Opinion:
        """The opinion, validated against the question; `spent` grows with every request."""
        watch(spent.exchange)
        # Told to the model as a secret of its instructions: a reply that repeats it was led to speak of them.
        canary = f"kn-{secrets.token_hex(6)}"
        judge = Judge(question, self._provider.label, canary)
        talk = _Talk(prompt, instructions(canary))
        response = await self._look_up(judge, talk, spent)
        for left in reversed(range(_REPROMPTS + 1)):
            response = response or await self._request(talk, spent)
            try:
                return judge.opinion(_whole(response, judge), talk.prompt, talk.found)
            except ModelReplyInvalid as error:
                if not left:
                    raise
                told = f"That cannot be taken: {error}. Answer with the JSON object alone."
                talk.rounds.append((response, told))
                response = None
        raise AssertionError("the last round returns or raises")

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    async def _look_up(self, judge: Judge, talk: _Talk, spent: Spending) -> ModelResponse | None:
        """Lets the model look things up; its answer where it gives one with that, None where it is yet to be asked."""
        lookups = judge.question.lookups
        if lookups is None or not lookups.tools or not self._takes_tools:
            return None
        tools, looking = definitions(lookups.tools), LookingUp(lookups, judge, spent)
        said = talk.messages(talk.prompt.invitation())
        room = self._provider.window - talk.prompt.tokens - size_of(lookups.tools, talk.prompt)
        for done in range(MOST_ROUNDS if room > 0 else 0):
            try:
                response = await self._send(said, spent, None, tools)
            except ModelHTTPError as error:
                if error.status_code not in _FORMAT_REFUSED:
                    raise self._translated(error, spent) from error
                # Whether it was the tools that it refused, the question without them will tell.
                talk.refused_tools = not done
                return None
            if not response.tool_calls:
                return response
            answers = await looking.answers(response.tool_calls, talk.prompt)
            said += [response, ModelRequest(answers, instructions=talk.system)]
            room -= _tokens(*response.parts, *answers)
            talk.found = tuple(looking.found.values())
            talk.prompt = talk.prompt.with_facts(judge.question, talk.found, window=self._provider.window)
            if looking.is_over or room <= 0:
                break
        return None

    async def _request(self, talk: _Talk, spent: Spending) -> ModelResponse:
        schema = talk.prompt.choice.schema()
        if self._formats and self._takes_json_schema:
            form: JsonObject = {"type": "json_schema", "json_schema": {"name": "Reply", "schema": schema}}
            try:
                return self._answered(talk, await self._send(talk.messages(), spent, form))
            except ModelHTTPError as error:
                if error.status_code not in _FORMAT_REFUSED:
                    raise self._translated(error, spent) from error
        # Some servers answer 500 to a JSON schema and take it beside the older format.
        older: JsonObject | None = {"type": "json_object", "schema": schema} if self._formats else None
        try:
            response = await self._send(talk.messages(talk.prompt.demand()), spent, older)
        except ModelHTTPError as error:
            raise self._translated(error, spent) from error
        # Remembered only after the older format was taken: an error of another kind must not cost all later replies
        # their schema.
        self._takes_json_schema = False
        return self._answered(talk, response)

    def _answered(self, talk: _Talk, response: ModelResponse) -> ModelResponse:
        self._takes_tools = self._takes_tools and not talk.refused_tools
        return response

    async def _send(
        self,
        messages: list[ModelMessage],
        spent: Spending,
        form: JsonObject | None,
        tools: Sequence[ToolDefinition] = (),
    ) -> ModelResponse:
        # Temperature 0: the same evidence should give the same answer, as far as a server can promise that.
        settings = ModelSettings(temperature=0.0, max_tokens=LONGEST_REPLY_TOKENS)
        if form is not None:
            # Past the client's own arguments: it takes 15 ms to look through a schema there.
            settings["extra_body"] = {"response_format": form}
        spent.exchange.sent()
        try:
            response = await self._model.request(messages, settings, ModelRequestParameters(function_tools=[*tools]))
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
    """What was said so far: the question, and replies with what was wrong with them.

    What was looked up becomes a part of the question, so that the rest of the talk needs no tools.
    """

    prompt: Prompt
    system: str
    found: tuple[Evidence, ...] = ()
    refused_tools: bool = False
    rounds: list[tuple[ModelResponse, str]] = field(default_factory=list)

    def messages(self, hint: str = "") -> list[ModelMessage]:
        """All of it, the hint after the question."""
        said: list[ModelMessage] = [self._ours(self.prompt.text + hint)]
        for response, told in self.rounds:
            said += [response, self._ours(told)]
        return said

    def _ours(self, text: str) -> ModelRequest:
        return ModelRequest([UserPromptPart(text)], instructions=self.system)


def _whole(response: ModelResponse, judge: Judge) -> str:
    """The text. Raises `ModelReplyInvalid` where it was stopped early."""
    text = response.text or ""
    judge.refuse_canary(text)
    if text.strip() and response.finish_reason not in {"stop", None}:
        raise ModelReplyInvalid(
            f"the reply was stopped early ({response.finish_reason}); be brief", failure=ModelFailure.TRUNCATED
        )
    return text


def _tokens(*parts: object) -> int:
    """About how many they take, on the safe side: their words hold more than what is sent."""
    return sum(len(str(part)) for part in parts) // CHARACTERS_A_TOKEN
