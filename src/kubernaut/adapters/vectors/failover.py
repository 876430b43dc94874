"""An external pattern store with the embedded one beside it, so that losing the external one loses no lesson.

Every write is noted as a debt, goes to the embedded store, and then to the external one, which strikes the debt. While
the external one is down the debts stay, and reads come from the embedded store, which holds all that went through
here. `settle` brings to the external store what the embedded one holds of each debt; reads go there again only when
nothing is owed any more, so what was stored is always found. A crash between any two writes leaves a debt, never a
difference that nobody knows of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog

from kubernaut.adapters.vectors.debts import Debts
from kubernaut.domain.errors import StoreError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import Clock, PatternFilter, PatternStore
from kubernaut.ports.patterns import ANY

log = structlog.get_logger(__name__)
T = TypeVar("T")

_AT_ONCE = 200
_BETWEEN = timedelta(seconds=15)


class FailoverPatterns:
    """`outside` first, `spare` while it is down. Writes of one process are in order."""

    def __init__(self, outside: PatternStore, spare: PatternStore, debts: Debts, clock: Clock) -> None:
        self._outside = outside
        self._spare = spare
        self._debts = debts
        self._clock = clock
        # What an earlier process owed is not known yet.
        self._is_behind = True
        # Two writes of one pattern must reach both stores in one order.
        self._turn = asyncio.Lock()

    @property
    def is_behind(self) -> bool:
        """Whether reads come from the spare, because the external store lacks something or does not answer."""
        return self._is_behind

    async def add(self, patterns: Sequence[Pattern]) -> None:
        """Stores the patterns; one of an id that is there replaces it."""
        ids = [pattern.id for pattern in patterns]
        async with self._turn:
            numbers = await self._debts.owe(ids, dropped=False)
            await self._spare.add(patterns)
            await self._hand_over(numbers, lambda: self._outside.add(patterns))

    async def set_outcome(self, pattern: IncidentId, ending: Ending) -> bool:
        """Corrects how it ended; False where neither store has such a pattern."""
        async with self._turn:
            numbers = await self._debts.owe([pattern], dropped=False)
            known = await self._spare.set_outcome(pattern, ending)
            there = await self._hand_over(numbers, lambda: self._outside.set_outcome(pattern, ending))
            return known or bool(there)

    async def delete(self, ids: Sequence[IncidentId]) -> int:
        """Forgets those patterns; how many there were in the fuller of the stores."""
        async with self._turn:
            numbers = await self._debts.owe(ids, dropped=True)
            here = await self._spare.delete(ids)
            there = await self._hand_over(numbers, lambda: self._outside.delete(ids))
            return max(here, there or 0)

    async def nearest(
        self, vector: Sequence[float], *, embedder: str, limit: int = 5, where: PatternFilter = ANY
    ) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""
        return await self._first(lambda store: store.nearest(vector, embedder=embedder, limit=limit, where=where))

    async def get(self, ids: Sequence[IncidentId]) -> list[Pattern]:
        """Those of the ids that are there."""
        return await self._first(lambda store: store.get(ids))

    async def page(self, *, after: str = "", limit: int = 500) -> list[Pattern]:
        """The patterns whose id follows `after`."""
        return await self._first(lambda store: store.page(after=after, limit=limit))

    async def newest(self, *, where: PatternFilter = ANY, limit: int = 50) -> list[Pattern]:
        """The patterns that finished last, newest first."""
        return await self._first(lambda store: store.newest(where=where, limit=limit))

    async def count(self, *, embedder: str = "", where: PatternFilter = ANY) -> int:
        """How many there are, of one embedder or of all."""
        return await self._first(lambda store: store.count(embedder=embedder, where=where))

    async def work(self) -> None:
        """Settles again and again, until it is cancelled."""
        while True:
            if self._is_behind:
                await self.settle()
            await self._clock.sleep(_BETWEEN)

    async def settle(self) -> bool:
        """Brings the external store what it lacks; whether nothing is owed any more."""
        async with self._turn:
            try:
                settled = 0
                while debts := await self._debts.owed(_AT_ONCE):
                    here = {pattern.id: pattern for pattern in await self._spare.get([each.pattern for each in debts])}
                    dropped = {each.pattern for each in debts if each.dropped} - here.keys()
                    await self._outside.delete(sorted(dropped))
                    await self._outside.add(list(here.values()))
                    await self._debts.paid([each.seq for each in debts])
                    settled += len(debts)
                if not settled:
                    await self._outside.count(where=PatternFilter(cause="-"))
            except StoreError as error:
                self._fell_behind(error)
                return False
            if settled:
                log.info("the external pattern store has caught up", patterns=settled)
            self._is_behind = False
            return True

    async def _hand_over(self, numbers: Sequence[int], write: Callable[[], Awaitable[T]]) -> T | None:
        """What the external store said; None where it cannot be reached, or has older debts to be paid first."""
        if self._is_behind:
            return None
        try:
            said = await write()
        except StoreError as error:
            self._fell_behind(error)
            return None
        await self._debts.paid(numbers)
        return said

    async def _first(self, read: Callable[[PatternStore], Awaitable[T]]) -> T:
        if not self._is_behind:
            try:
                return await read(self._outside)
            except StoreError as error:
                self._fell_behind(error)
        return await read(self._spare)

    def _fell_behind(self, error: StoreError) -> None:
        if not self._is_behind:
            log.warning("the external pattern store is left out for now", error=str(error))
        self._is_behind = True
