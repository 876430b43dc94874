"""Providers in order, each behind a breaker and a budget; the first usable reply is taken.

One deadline holds for all of them together. A provider that is open, over its budget or not configured is passed over
without waiting; one that fails makes room for the next at once. With `hedge_after` the next one is asked beside a
provider that takes its time, and whoever answers first is heard.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from kubernaut.adapters.models.breaker import BreakerPolicy
from kubernaut.adapters.models.link import Answered, Failed, Link, Spending
from kubernaut.adapters.models.prompting import Hiding
from kubernaut.adapters.models.provider import Provider
from kubernaut.adapters.models.reloading import ProviderList
from kubernaut.domain.errors import ModelError, ModelReplySuspicious, ModelUnavailable
from kubernaut.domain.model_calls import ModelCall, ModelFailure
from kubernaut.ports import Clock, Meter, Opinion, Question

# Nothing was asked, so nothing failed: what is measured as a switch begins with a failure before them.
_PASSED_OVER = frozenset({ModelFailure.CIRCUIT_OPEN, ModelFailure.OVER_BUDGET, ModelFailure.NOT_CONFIGURED})


@dataclass(frozen=True, slots=True)
class ChainPolicy:
    """The deadline that all providers share, and what each of them is held to."""

    deadline: timedelta = timedelta(seconds=60)
    hedge_after: timedelta | None = None
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    hiding: Hiding = field(default_factory=Hiding)


@dataclass(slots=True)
class _Race:
    """One question on its way through the providers."""

    ends: float
    waiting: Iterator[Link]
    running: dict[asyncio.Task[Answered | Failed], Spending] = field(default_factory=dict)
    calls: list[ModelCall] = field(default_factory=list)
    failed_at: float | None = None
    failed: str = ""
    last: ModelError | None = None

    @property
    def left_s(self) -> float:
        """Seconds of the deadline that are left."""
        return self.ends - time.monotonic()


class Chain:
    """The analyst of an installation: the providers that are declared now, in their order."""

    def __init__(self, providers: ProviderList, clock: Clock, meter: Meter, policy: ChainPolicy) -> None:
        self._providers = providers
        self._clock = clock
        self._meter = meter
        self._policy = policy
        self._links: tuple[Link, ...] = ()
        self._building = asyncio.Lock()

    @property
    def hiding(self) -> Hiding:
        """What is hidden from models beside secrets."""
        return self._policy.hiding

    async def models(self) -> Mapping[str, str]:
        """The model of each provider: who would answer now."""
        return {provider.name: provider.model for provider in await self._providers.current()}

    async def prepare(self) -> tuple[Link, ...]:
        """The providers, ready to be asked. Those that did not change keep their connections, breaker and budget."""
        async with self._building:
            wanted = await self._providers.current()
            if wanted != tuple(link.provider for link in self._links):
                await self._exchange(wanted)
            return self._links

    async def analyse(self, question: Question) -> Opinion:
        """The first usable reply. Raises the last `ModelError`, with what all of them took."""
        # At every question, so that a provider that was declared since is asked without a restart.
        links = await self.prepare()
        race = _Race(time.monotonic() + self._policy.deadline.total_seconds(), iter(links))
        async with asyncio.TaskGroup() as group:
            try:
                opinion = await self._run(question, race, group)
            finally:
                for task in race.running:
                    task.cancel()
        if opinion is None:
            error = race.last or ModelUnavailable("no provider is declared", failure=ModelFailure.NOT_CONFIGURED)
            # On the error too, since what failed was paid for and has to be found in the incident's events.
            error.calls = tuple(race.calls)
            raise error
        return replace(opinion, calls=tuple(race.calls))

    async def aclose(self) -> None:
        """Gives all connections back."""
        for link in self._links:
            await link.aclose()

    async def _exchange(self, wanted: tuple[Provider, ...]) -> None:
        known = {link.provider: link for link in self._links}
        policy = self._policy
        links = tuple(
            known.pop(provider)
            if provider in known
            else Link(provider, self._clock, self._meter, policy.breaker, policy.hiding)
            for provider in wanted
        )
        # All at once: a provider that is built when the one before it fails would make people wait.
        await asyncio.to_thread(_build_all, links)
        self._links = links
        for gone in known.values():
            # A question that is still on its way there fails as cut, and goes to the next provider.
            await gone.aclose()

    async def _run(self, question: Question, race: _Race, group: asyncio.TaskGroup) -> Opinion | None:
        self._start_next(question, race, group)
        while race.running:
            done, _ = await asyncio.wait(race.running, timeout=self._patience(race), return_when="FIRST_COMPLETED")
            for task in done:
                spending = race.running.pop(task)
                match task.result():
                    case Answered(opinion, call):
                        race.calls.append(call)
                        race.calls += [slow.call(failure=ModelFailure.OUTRUN) for slow in race.running.values()]
                        return opinion
                    case Failed(error, call, at):
                        race.calls.append(call)
                        race.last = error
                        race.failed_at = race.failed_at if error.failure in _PASSED_OVER else at
                        if isinstance(error, ModelReplySuspicious):
                            # Another model would read the same text: people look at it instead.
                            return None
                        race.failed = spending.provider.name
            if not done or not race.running:
                self._start_next(question, race, group)
        return None

    def _start_next(self, question: Question, race: _Race, group: asyncio.TaskGroup) -> None:
        link = next(race.waiting, None)
        if link is not None and race.left_s > 0:
            if race.failed:
                self._meter.count("model_failovers", provider=race.failed)
                race.failed = ""
            spending = Spending(link.provider, failed_at=race.failed_at)
            race.running[group.create_task(link.ask(question, spending, left_s=race.left_s))] = spending

    def _patience(self, race: _Race) -> float | None:
        """Seconds until the next provider is asked beside the one that runs; a provider ends by itself."""
        hedge = self._policy.hedge_after
        return None if hedge is None or len(race.running) > 1 else hedge.total_seconds()


def _build_all(links: tuple[Link, ...]) -> None:
    for link in links:
        link.build()
