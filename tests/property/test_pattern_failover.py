"""Whatever is written while the external pattern store comes and goes, both stores hold the same in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.patterns import MemoryPatterns
from kubernaut.adapters.vectors.debts import MemoryDebts
from kubernaut.adapters.vectors.failover import FailoverPatterns
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import PatternFilter
from kubernaut.ports.patterns import ANY

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = [IncidentId(f"inc-{number}") for number in range(4)]


def pattern(name: IncidentId, version: int = 0) -> Pattern:
    return Pattern(
        name, f"text {version}", "a_cause", "an_action", Ending.HEALED, float(version), NOON, "two-d", (1.0, 0.0)
    )


class Outside(MemoryPatterns):
    """A store that can be switched off, also right after it did what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.up = True
        self.loses_answers = False

    def _answer(self) -> None:
        if not self.up:
            raise StoreUnavailable("it is down")

    def _answered(self) -> None:
        if self.loses_answers:
            self.loses_answers = False
            raise StoreUnavailable("the answer was lost")

    async def add(self, patterns: Sequence[Pattern]) -> None:
        self._answer()
        await super().add(patterns)
        self._answered()

    async def set_outcome(self, pattern: IncidentId, ending: Ending) -> bool:
        self._answer()
        done = await super().set_outcome(pattern, ending)
        self._answered()
        return done

    async def delete(self, ids: Sequence[IncidentId]) -> int:
        self._answer()
        done = await super().delete(ids)
        self._answered()
        return done

    async def nearest(
        self, vector: Sequence[float], *, embedder: str, limit: int = 5, where: PatternFilter = ANY
    ) -> list[Recalled]:
        self._answer()
        return await super().nearest(vector, embedder=embedder, limit=limit, where=where)

    async def count(self, *, embedder: str = "", where: PatternFilter = ANY) -> int:
        self._answer()
        return await super().count(embedder=embedder, where=where)

    async def newest(self, *, where: PatternFilter = ANY, limit: int = 50) -> list[Pattern]:
        self._answer()
        return await super().newest(where=where, limit=limit)


@dataclass
class Pair:
    """Both stores, and what joins them; `restart` forgets what a process forgets."""

    outside: Outside
    spare: MemoryPatterns
    debts: MemoryDebts

    @classmethod
    def fresh(cls) -> Pair:
        return cls(Outside(), MemoryPatterns(), MemoryDebts())

    def opened(self) -> FailoverPatterns:
        return FailoverPatterns(self.outside, self.spare, self.debts, ManualClock(NOON))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(NAMES)),
        st.tuples(st.just("correct"), st.sampled_from(NAMES)),
        st.tuples(st.just("delete"), st.sampled_from(NAMES)),
        st.tuples(st.sampled_from(["down", "up", "lose", "settle", "restart", "read"]), st.just(NAMES[0])),
    ),
    max_size=30,
)


@given(STEPS)
def test_after_the_last_outage_both_stores_hold_what_was_written_last(steps: list[tuple[str, IncidentId]]) -> None:
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[str, IncidentId]]) -> None:  # one case a step
    pair, expected = Pair.fresh(), dict[IncidentId, Pattern]()
    store = pair.opened()
    for number, (do, name) in enumerate(steps):
        match do:
            case "add":
                expected[name] = pattern(name, number)
                await store.add([expected[name]])
            case "correct":
                if await store.set_outcome(name, Ending.UNDONE):
                    expected[name] = replace(expected[name], ending=Ending.UNDONE)
            case "delete":
                expected.pop(name, None)
                await store.delete([name])
            case "down" | "up":
                pair.outside.up = do == "up"
            case "lose":
                pair.outside.loses_answers = True
            case "settle":
                await store.settle()
            case _:
                store = pair.opened() if do == "restart" else store
        # At every moment, outage or not, what was stored is found.
        assert {each.id: each for each in await store.newest()} == expected
    pair.outside.up, pair.outside.loses_answers = True, False
    assert await store.settle()
    for each in (pair.outside, pair.spare):
        assert {found.id: found for found in await each.newest()} == expected
    assert await pair.debts.owed(1) == []


async def test_a_search_during_an_outage_is_answered_by_the_spare() -> None:
    pair = Pair.fresh()
    store = pair.opened()
    await store.settle()
    await store.add([pattern(NAMES[0])])
    pair.outside.up = False

    (found,) = await store.nearest([1.0, 0.0], embedder="two-d")

    assert found.pattern.id == NAMES[0]
    assert store.is_behind
    assert not await store.settle()


async def test_what_others_stored_outside_is_found_while_nothing_is_owed() -> None:
    pair = Pair.fresh()
    await pair.outside.add([pattern(NAMES[1])])
    store = pair.opened()
    assert await store.settle()
    assert [each.id for each in await store.newest()] == [NAMES[1]]
    assert not await pair.spare.newest()


async def test_the_outside_catches_up_by_itself_once_it_is_back() -> None:
    pair, clock = Pair.fresh(), ManualClock(NOON)
    store = FailoverPatterns(pair.outside, pair.spare, pair.debts, clock)
    pair.outside.up = False
    await store.add([pattern(NAMES[0])])
    async with asyncio.TaskGroup() as group:
        working = group.create_task(store.work())
        await asyncio.sleep(0)
        pair.outside.up = True
        await clock.advance(timedelta(seconds=31))
        working.cancel()
    assert [each.id for each in await pair.outside.newest()] == [NAMES[0]]


async def test_a_write_fails_where_the_spare_itself_cannot_be_written() -> None:
    pair = Pair.fresh()
    broken = Outside()
    broken.up = False
    store = FailoverPatterns(pair.outside, broken, pair.debts, ManualClock(NOON))
    with pytest.raises(StoreUnavailable):
        await store.add([pattern(NAMES[0])])
