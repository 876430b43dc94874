"""A second opinion from any server that speaks OpenAI's chat API.

Importing this module takes seconds: `endpoint.LateAnalyst` does it when the first question comes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar

import httpx2
from openai import AsyncOpenAI, OpenAIError
from pydantic import ValidationError
from pydantic_ai import Agent, ModelRetry, RunContext, TextOutput
from pydantic_ai.exceptions import AgentRunError, ModelAPIError, ModelHTTPError, UnexpectedModelBehavior
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.run import AgentRunResult
from pydantic_ai.usage import RunUsage

from kubernaut.adapters.models.endpoint import ModelEndpoint
from kubernaut.adapters.models.prompting import INSTRUCTIONS, build_prompt
from kubernaut.adapters.models.reply_schema import NO_REMEDY, Choice, Reply
from kubernaut.domain.errors import ModelError, ModelReplyInvalid, ModelUnavailable
from kubernaut.domain.evidence import EvidenceId
from kubernaut.ports import Opinion, Question

_REPROMPTS = 2
_MOST_TOKENS = 512
_MOST_REPLY_BYTES = 1 << 20
# What servers answer to a response format that they do not know.
_FORMAT_REFUSED = frozenset({400, 404, 415, 422, 500, 501})
_sent: ContextVar[list[httpx2.URL]] = ContextVar("requests sent for the question at hand")


class OpenAICompatibleAnalyst:
    """Asks one model. Whatever goes wrong is a `ModelError`; only cancellation passes through."""

    def __init__(self, endpoint: ModelEndpoint, *, key: str = "") -> None:
        self._endpoint = endpoint
        self._http = httpx2.AsyncClient(
            transport=_BoundedReplies(httpx2.AsyncHTTPTransport()),
            timeout=endpoint.deadline.total_seconds(),
            event_hooks={"request": [_note_request]},
        )
        # The engine alone repeats; a client that repeats by itself would multiply its attempts.
        client = AsyncOpenAI(base_url=endpoint.base_url, api_key=key or "none", max_retries=0, http_client=self._http)
        model = OpenAIChatModel(
            endpoint.model,
            provider=OpenAICompatibleProvider(endpoint.name, openai_client=client),
            profile=OpenAIModelProfile(
                openai_chat_supports_max_completion_tokens=False,
            ),
        )
        # One agent for all questions: what a reply has to look like comes with each of them.
        self._agent = Agent(
            model,
            deps_type=Choice,
            output_type=TextOutput(_validated),
            instructions=INSTRUCTIONS,
            retries={"output": _REPROMPTS},
        )
        self._takes_json_schema = True

    async def analyse(self, question: Question) -> Opinion:
        """The opinion, validated against the question, within the deadline of the endpoint."""
        sent: list[httpx2.URL] = []
        _sent.set(sent)
        usage = RunUsage()
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._endpoint.deadline.total_seconds()):
                result = await self._ask(question, usage)
        except ModelError as error:
            error.requests, error.tokens = len(sent), usage.total_tokens
            raise
        except (TimeoutError, AgentRunError, OpenAIError, httpx2.HTTPError) as error:
            raise self._translated(error, requests=len(sent), tokens=usage.total_tokens) from error
        if result.response.finish_reason not in {"stop", None}:
            raise ModelReplyInvalid(
                f"{self._endpoint.name} stopped early: {result.response.finish_reason}",
                requests=len(sent),
                tokens=usage.total_tokens,
            )
        reply = result.output
        return Opinion(
            cause=reply.cause,
            action="" if reply.action == NO_REMEDY else reply.action,
            confidence=reply.confidence_percent / 100,
            evidence=tuple(map(EvidenceId, dict.fromkeys(reply.evidence))),
            explanation=reply.explanation,
            provider=f"{self._endpoint.name}:{self._endpoint.model}",
            tokens=usage.total_tokens,
            took_s=time.monotonic() - started,
            requests=len(sent),
        )

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    async def _ask(self, question: Question, usage: RunUsage) -> AgentRunResult[Reply]:
        prompt = build_prompt(question)
        choice = Choice.of(question, prompt.citable)
        schema = choice.schema()
        if self._takes_json_schema:
            wanted = {"type": "json_schema", "json_schema": {"name": "Reply", "schema": schema, "strict": False}}
            try:
                return await self._run(prompt.text, choice, usage, response_format=wanted)
            except ModelHTTPError as error:
                if error.status_code not in _FORMAT_REFUSED:
                    raise
        # Some servers answer 500 to a JSON schema and take it beside the older format.
        text = f"{prompt.text}\n\nAnswer with one JSON object that fits this schema:\n{json.dumps(schema)}"
        older = {"type": "json_object", "schema": schema}
        result = await self._run(text, choice, usage, response_format=older)
        self._takes_json_schema = False
        return result

    async def _run(
        self, prompt: str, choice: Choice, usage: RunUsage, *, response_format: Mapping[str, object]
    ) -> AgentRunResult[Reply]:
        # Past the client's own arguments: it takes 15 ms to look through a schema there.
        body = {"response_format": response_format}
        settings = OpenAIChatModelSettings(temperature=0.0, max_tokens=_MOST_TOKENS, extra_body=body)
        return await self._agent.run(prompt, deps=choice, model_settings=settings, usage=usage)

    def _translated(self, error: Exception, *, requests: int, tokens: int) -> ModelError:
        where = f"{self._endpoint.name} at {self._endpoint.base_url}"
        match error:
            case TimeoutError():
                deadline = self._endpoint.deadline.total_seconds()
                return ModelUnavailable(f"{where}: no answer within {deadline:g} s", requests=requests, tokens=tokens)
            case ModelHTTPError(status_code=status):
                return ModelUnavailable(f"{where}: HTTP {status}", requests=requests, tokens=tokens)
            case UnexpectedModelBehavior():
                return ModelReplyInvalid(f"{where}: {error.message[:200]}", requests=requests, tokens=tokens)
            case ModelAPIError() | OpenAIError() | httpx2.HTTPError():
                return ModelUnavailable(f"{where}: {type(error).__name__}", requests=requests, tokens=tokens)
            case _:
                return ModelReplyInvalid(f"{where}: {str(error)[:200]}", requests=requests, tokens=tokens)


def _validated(run: RunContext[Choice], text: str) -> Reply:
    """The reply; what is wrong with it is said to the model, which may try again."""
    # Models that were told to write JSON like to put a fence around it.
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        reply = Reply.model_validate_json(bare)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5]]
    else:
        wrong = run.deps.wrong_in(reply)
        if not wrong:
            return reply
    raise ModelRetry(f"That does not fit the schema: {'; '.join(wrong)}. Answer with the JSON object alone.")


async def _note_request(request: httpx2.Request) -> None:
    _sent.get([]).append(request.url)


class _BoundedReplies(httpx2.AsyncBaseTransport):
    """A transport that breaks off a reply no sane model sends."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _BoundedStream(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = _MOST_REPLY_BYTES
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError(f"a reply of more than {_MOST_REPLY_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
