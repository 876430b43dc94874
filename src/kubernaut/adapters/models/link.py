"""One provider of the chain with what is known about it: its breaker, its budget, its places, its connections."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Protocol

from kubernaut.adapters.models.breaker import Breaker, BreakerPolicy, Circuit
from kubernaut.adapters.models.budget import Budget
from kubernaut.adapters.models.prompting import Hiding, Prompt, build_prompt
from kubernaut.adapters.models.provider import Kind, Provider
from kubernaut.adapters.models.reply_schema import LONGEST_REPLY_TOKENS
from kubernaut.adapters.models.wire import Exchange
from kubernaut.domain.errors import ModelError, ModelThrottled, ModelUnavailable
from kubernaut.domain.model_calls import ModelCall, ModelFailure
from kubernaut.ports import Clock, Meter, Opinion, Question

# A second try would meet the same: somebody has to mend them.
_LASTING = frozenset(
    {ModelFailure.REFUSED, ModelFailure.DNS, ModelFailure.TLS, ModelFailure.AUTH, ModelFailure.MODEL_MISSING}
)
# They say nothing about whether the provider works.
_NOT_ITS_FAULT = frozenset(
    {
        ModelFailure.BUSY, ModelFailure.OVER_BUDGET, ModelFailure.NOT_CONFIGURED, ModelFailure.TOO_LARGE,
        ModelFailure.SUSPICIOUS, ModelFailure.PROSE,
    }
)  # fmt: skip
# Everything else is a model.
_SPEAKERS = {Kind.HOLMESGPT: ("holmes", "HolmesConversation")}
_LEVELS = {Circuit.CLOSED: 0.0, Circuit.HALF_OPEN: 1.0, Circuit.OPEN: 2.0}


@dataclass(slots=True)
class Spending:
    """What one provider took for one question, also where it was cancelled."""

    provider: Provider
    failed_at: float | None = None
    exchange: Exchange = field(default_factory=Exchange)
    tokens: int = 0
    usd: float = 0.0
    lookups: int = 0
    said: str = ""
    began: float = field(default_factory=time.monotonic)

    def call(self, *, failure: str = "") -> ModelCall:
        """The record of it."""
        sent = self.exchange.first_sent
        return ModelCall(
            provider=self.provider.label,
            failure=failure,
            requests=self.exchange.requests,
            tokens=self.tokens,
            usd=self.usd,
            took_s=time.monotonic() - self.began,
            switch_s=max(0.0, sent - self.failed_at) if sent is not None and self.failed_at is not None else 0.0,
            lookups=self.lookups,
            said=self.said,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """A usable reply."""

    opinion: Opinion
    call: ModelCall


@dataclass(frozen=True, slots=True)
class Failed:
    """None; `at` is when that was known."""

    error: ModelError
    call: ModelCall
    at: float


class Conversation(Protocol):
    """What is asked: a model, or an investigator of its own."""

    async def opinion(self, question: Question, prompt: Prompt, spent: Spending) -> Opinion:
        """The opinion, validated against the question; `spent` grows with every request. Raises a `ModelError`."""

    async def aclose(self) -> None:
        """Gives the connections back."""


class Link:
    """Asks its provider where that is allowed now."""

    def __init__(self, provider: Provider, clock: Clock, meter: Meter, breaker: BreakerPolicy, hiding: Hiding) -> None:
        self.provider = provider
        self.breaker = Breaker(breaker)
        self._clock = clock
        self._meter = meter
        self._hiding = hiding
        self._budget = Budget(provider.limits)
        self._places = asyncio.Semaphore(provider.limits.concurrency)
        self._conversation: Conversation | None = None
        self._trouble: ModelError | None = None

    def build(self) -> None:
        """Connects it where that was not done; what prevents it is told to whoever asks. Blocks for seconds."""
        if self._conversation is not None or self._trouble is not None:
            return
        if self.provider.trouble:
            self._trouble = ModelUnavailable(self.provider.trouble, failure=ModelFailure.NOT_CONFIGURED)
            return
        try:
            module, name = _SPEAKERS.get(self.provider.kind, ("conversation", "Conversation"))
            speaker = getattr(import_module(f"kubernaut.adapters.models.{module}"), name)
            self._conversation = speaker(self.provider, self._clock)
        except ModelError as error:
            self._trouble = error

    async def ask(self, question: Question, spending: Spending, *, left_s: float) -> Answered | Failed:
        """What came of it; never raises a `ModelError`."""
        admitted = False
        try:
            prompt = build_prompt(question, self._hiding, window=self.provider.window)
            conversation = self._admit(prompt)
            admitted = True
            opinion = await self._within_limits(conversation, question, prompt, spending, left_s=left_s)
        except ModelError as error:
            at = time.monotonic()
            if admitted:
                self._learn_from(error)
            return Failed(error, self._told(spending, error.failure), at)
        except BaseException:
            # Cancelled, or a defect of ours: the trial of a half-open circuit may be made again.
            if admitted:
                self.breaker = self.breaker.left(self._clock.now())
            self._told(spending, ModelFailure.OUTRUN)
            raise
        self.breaker = self.breaker.answered()
        return Answered(opinion, self._told(spending))

    async def aclose(self) -> None:
        """Gives its connections back."""
        if self._conversation is not None:
            await self._conversation.aclose()

    def _admit(self, prompt: Prompt) -> Conversation:
        now, name = self._clock.now(), self.provider.label
        if self._trouble is not None:
            raise ModelUnavailable(str(self._trouble), failure=self._trouble.failure)
        if self._conversation is None:
            raise ModelUnavailable(f"{name}: not connected", failure=ModelFailure.NOT_CONFIGURED)
        if not self.breaker.admits(now):
            raise ModelUnavailable(f"{name}: left alone after failures", failure=ModelFailure.CIRCUIT_OPEN)
        if not self._budget.reserve(now, tokens=prompt.tokens, usd=self._estimate(prompt)):
            raise ModelUnavailable(f"{name}: over its budget", failure=ModelFailure.OVER_BUDGET)
        self.breaker = self.breaker.asked()
        return self._conversation

    def _estimate(self, prompt: Prompt) -> float:
        return self.provider.price.of(prompt.tokens - LONGEST_REPLY_TOKENS, LONGEST_REPLY_TOKENS)

    async def _within_limits(
        self, conversation: Conversation, question: Question, prompt: Prompt, spending: Spending, *, left_s: float
    ) -> Opinion:
        seconds = min(left_s, self.provider.timeout.total_seconds())
        has_place = False
        try:
            async with asyncio.timeout(seconds), self._places:
                has_place = True
                return await conversation.opinion(question, prompt, spending)
        except TimeoutError as error:
            name = self.provider.label
            if not has_place:
                raise ModelUnavailable(f"{name}: no place within {seconds:g} s", failure=ModelFailure.BUSY) from error
            failure = ModelFailure.SLOW_DRIP if spending.exchange.received else ModelFailure.HANG
            raise ModelUnavailable(f"{name}: no answer within {seconds:g} s", failure=failure) from error
        finally:
            now = self._clock.now()
            usd = spending.usd - self._estimate(prompt)
            self._budget.settle(now, tokens=spending.tokens - prompt.tokens, usd=usd)

    def _learn_from(self, error: ModelError) -> None:
        now = self._clock.now()
        if error.failure in _NOT_ITS_FAULT:
            self.breaker = self.breaker.left(now)
            return
        named = error.retry_after_s if isinstance(error, ModelThrottled) else None
        wait = None if named is None else timedelta(seconds=named)
        self.breaker = self.breaker.failed(now, at_once=error.failure in _LASTING, wait=wait)

    def _told(self, spending: Spending, failure: ModelFailure | None = None) -> ModelCall:
        name, call, meter = self.provider.name, spending.call(failure=failure or ""), self._meter
        meter.level("model_circuit", _LEVELS[self.breaker.circuit], provider=name)
        if failure is not None:
            meter.count("model_failures", provider=name, failure=failure.value)
        if call.requests:
            meter.count("model_requests", call.requests, provider=name)
            meter.observe("model_seconds", call.took_s, provider=name)
        if call.tokens:
            meter.count("model_tokens", call.tokens, provider=name)
            meter.count("model_usd", call.usd, provider=name)
        if call.switch_s:
            meter.observe("model_switch_seconds", call.switch_s, provider=name)
        return call
