import asyncio
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import create_engine, text

from kubernaut.adapters.memory.patterns import MemoryPatterns
from kubernaut.adapters.vectors.embedded import EmbeddedPatterns
from kubernaut.domain.errors import InputError, StoreUnavailable
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import PatternStore

Open: TypeAlias = Callable[[], PatternStore]


@pytest.fixture(params=["memory", "sqlite"])
def open_patterns(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same patterns once more, as another process would."""
    if request.param == "memory":
        memory = MemoryPatterns()
        yield lambda: memory
        return
    engines = []

    def open_again() -> PatternStore:
        engines.append(create_engine(f"sqlite:///{tmp_path / 'patterns.db'}"))
        return EmbeddedPatterns(engines[-1])

    yield open_again
    for engine in engines:
        engine.dispose()


def unit(*numbers: float) -> tuple[float, ...]:
    return tuple(number / math.hypot(*numbers) for number in numbers)


def pattern(name: str, vector: Sequence[float], *, embedder: str = "three-d") -> Pattern:
    return Pattern(
        id=IncidentId(name),
        text="kube pod crash looping deployment\nKörper 你好",
        cause="crash_after_change",
        action="rollback_deployment",
        ending=Ending.HEALED,
        seconds=83.25,
        at=datetime(2026, 11, 22, 12, 0, 5, 250_000, tzinfo=UTC),
        embedder=embedder,
        vector=tuple(vector),
    )


async def test_the_most_alike_patterns_come_first_with_their_cosine(open_patterns: Open) -> None:
    patterns = open_patterns()
    for name, vector in [("east", (1, 0, 0)), ("north", (0, 1, 0)), ("west", (-1, 0, 0)), ("north-east", (1, 1, 0))]:
        await patterns.add(pattern(name, unit(*vector)))

    found = await patterns.nearest(unit(1, 0.1, 0), embedder="three-d", limit=3)

    assert [recalled.pattern.id for recalled in found] == ["east", "north-east", "north"]
    assert [recalled.likeness for recalled in found] == pytest.approx([0.99504, 0.77397, 0.0995], abs=1e-4)


async def test_a_pattern_comes_back_as_it_was_stored(open_patterns: Open) -> None:
    stored = pattern("inc-1", unit(0.2, 0.5, 0.7))
    await open_patterns().add(stored)

    (found,) = await open_patterns().nearest(stored.vector, embedder="three-d")

    assert found.pattern.vector == pytest.approx(stored.vector, abs=1e-6)
    assert dataclasses.replace(found.pattern, vector=stored.vector) == stored


async def test_patterns_of_another_embedder_are_never_compared(open_patterns: Open) -> None:
    patterns = open_patterns()
    await patterns.add(pattern("inc-1", unit(1, 0, 0)))
    await patterns.add(pattern("inc-2", unit(1, 0), embedder="two-d"))

    assert [found.pattern.id for found in await patterns.nearest(unit(1, 0), embedder="two-d")] == ["inc-2"]
    assert await patterns.nearest(unit(1, 0, 0), embedder="unheard-of") == []


async def test_storing_an_id_again_replaces_its_pattern(open_patterns: Open) -> None:
    patterns = open_patterns()
    await patterns.add(pattern("inc-1", unit(1, 0, 0)))
    await patterns.nearest(unit(1, 0, 0), embedder="three-d")
    await patterns.add(pattern("inc-1", unit(0, 0, 1)))

    (found,) = await patterns.nearest(unit(0, 0, 1), embedder="three-d")

    assert found.pattern.id == "inc-1"
    assert found.likeness == pytest.approx(1.0)


async def test_a_pattern_embedded_anew_is_no_find_of_its_former_embedder(open_patterns: Open) -> None:
    one, other = open_patterns(), open_patterns()
    await one.add(pattern("inc-1", unit(1, 0, 0)))
    await one.nearest(unit(1, 0, 0), embedder="three-d")
    await other.add(pattern("inc-1", unit(1, 0), embedder="two-d"))

    assert await one.nearest(unit(1, 0, 0), embedder="three-d") == []


async def test_two_processes_find_what_the_other_stored_after_they_searched(open_patterns: Open) -> None:
    one, other = open_patterns(), open_patterns()
    await one.add(pattern("first", unit(1, 0, 0)))
    assert len(await other.nearest(unit(1, 0, 0), embedder="three-d")) == 1

    await one.add(pattern("second", unit(0, 1, 0)))
    await other.add(pattern("third", unit(0, 0, 1)))
    await other.add(pattern("first", unit(1, 1, 1)))

    for patterns in (one, other):
        found = await patterns.nearest(unit(1, 1, 1), embedder="three-d")
        assert found[0].pattern.id == "first"
        assert {recalled.pattern.id for recalled in found} == {"first", "second", "third"}


async def test_patterns_stored_at_the_same_time_are_all_found(open_patterns: Open) -> None:
    patterns = open_patterns()
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(patterns.add(pattern(f"inc-{number}", unit(1, number, 0))))

    assert len(await patterns.nearest(unit(1, 0, 0), embedder="three-d", limit=100)) == 20


async def test_a_vector_of_another_length_is_refused(open_patterns: Open) -> None:
    patterns = open_patterns()
    await patterns.add(pattern("inc-1", unit(1, 0, 0)))
    await patterns.nearest(unit(1, 0, 0), embedder="three-d")

    with pytest.raises(InputError):
        await patterns.nearest(unit(1, 0), embedder="three-d")


async def test_only_the_newest_patterns_are_kept_in_memory_and_all_in_the_database(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'patterns.db'}")
    for number in range(10):
        await EmbeddedPatterns(engine, capacity=4).add(pattern(f"inc-{number}", unit(1, number, 0)))
    small = EmbeddedPatterns(engine, capacity=4)
    found_before = await small.nearest(unit(1, 0, 0), embedder="three-d", limit=100)
    await small.add(pattern("inc-10", unit(1, 10, 0)))
    found_after = await small.nearest(unit(1, 0, 0), embedder="three-d", limit=100)

    assert {found.pattern.id for found in found_before} == {"inc-6", "inc-7", "inc-8", "inc-9"}
    assert {found.pattern.id for found in found_after} == {"inc-7", "inc-8", "inc-9", "inc-10"}
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM patterns")).scalar_one() == 11
    engine.dispose()


async def test_a_database_that_cannot_be_opened_is_an_unavailable_store(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'no-such-directory' / 'patterns.db'}")

    with pytest.raises(StoreUnavailable):
        await EmbeddedPatterns(engine).add(pattern("inc-1", unit(1, 0, 0)))
    with pytest.raises(StoreUnavailable):
        await EmbeddedPatterns(engine).nearest(unit(1, 0, 0), embedder="three-d")
