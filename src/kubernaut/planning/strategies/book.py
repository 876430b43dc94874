"""The strategies in force, read again when their texts changed. Wrong ones leave the former ones in force."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from kubernaut.domain.errors import ClusterError, InputError, StrategyError
from kubernaut.planning.strategies.reading import StrategyText, read_strategies
from kubernaut.planning.strategies.strategy import Known, Strategy
from kubernaut.ports import Clock

log = structlog.get_logger(__name__)


class StrategySource(Protocol):
    """Where strategies are kept."""

    @property
    def every(self) -> timedelta:
        """How long what was read may be used."""

    async def read(self) -> Sequence[StrategyText]:
        """The texts as they are now; raises `InputError` or `ClusterError` where they cannot be read."""


class StrategyBook:
    """Where strategies are looked up; without a source there are none but what the causes recommend."""

    def __init__(
        self, known: Known | None = None, sources: Sequence[StrategySource] = (), clock: Clock | None = None
    ) -> None:
        self.known = known or Known()
        self._sources = sources
        self._clock = clock
        self._read: dict[int, tuple[datetime | None, Sequence[StrategyText]]] = {}
        self._texts: tuple[StrategyText, ...] = ()
        self._strategies: tuple[Strategy, ...] = ()
        self._wrong = self._unread = ""
        self._turn = asyncio.Lock()

    async def current(self) -> tuple[Strategy, ...]:
        """The strategies in force."""
        if not self._sources:
            return ()
        async with self._turn:
            try:
                texts = tuple([text for source in self._sources for text in await self._texts_of(source)])
            except (InputError, ClusterError) as error:
                self._unread = self._told(str(error), self._unread)
                return self._strategies
            self._unread = ""
            if texts == self._texts:
                return self._strategies
            try:
                self._strategies = await asyncio.to_thread(read_strategies, texts, self.known)
                self._wrong = ""
                log.info("strategies taken", strategies=len(self._strategies))
            except InputError as error:
                self._wrong = self._told(str(error), self._wrong)
            # Also where they are wrong, so that the same texts are not read again at each decision.
            self._texts = texts
            return self._strategies

    async def check(self) -> None:
        """Raises `StrategyError` where the newest strategies are not the ones in force."""
        kept = await self.current()
        problem = self._unread or self._wrong
        if problem:
            named = f"the {len(kept)} before stay in force" if kept else "none is in force"
            raise StrategyError(f"{problem}; {named}", help="kubernaut strategies lint")

    async def _texts_of(self, source: StrategySource) -> Sequence[StrategyText]:
        now = self._clock.now() if self._clock else None
        at, texts = self._read.get(id(source), (None, ()))
        if at is None or now is None or now - at >= source.every:
            texts = await source.read()
            self._read[id(source)] = now, texts
        return texts

    def _told(self, problem: str, before: str) -> str:
        if problem != before:
            log.warning("strategies not taken, the former ones stay in force", why=problem, kept=len(self._strategies))
        return problem
