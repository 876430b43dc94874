import asyncio
import dataclasses
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import text

from kubernaut.adapters.memory.patterns import MemoryPatterns
from kubernaut.adapters.store import open_store
from kubernaut.adapters.store.opening import open_engine
from kubernaut.adapters.vectors import pgvector
from kubernaut.adapters.vectors.embedded import EmbeddedPatterns
from kubernaut.adapters.vectors.pgvector import PgvectorPatterns
from kubernaut.adapters.vectors.weaviate import WeaviatePatterns
from kubernaut.domain.errors import EmptyEmbedding, InputError, SettingsError, StoreError, StoreUnavailable
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import PatternFilter, PatternStore
from tests.postgres import Cluster, free_port, missing_vectors
from tests.weaviate_server import WeaviateAddress

Open: TypeAlias = Callable[[], PatternStore]


@pytest.fixture(params=["memory", "sqlite", "postgres", "pgvector", "weaviate"])
async def open_patterns(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the same patterns once more, as another process would."""
    if request.param == "memory":
        memory = MemoryPatterns()
        yield lambda: memory
        return
    if request.param == "weaviate":
        async with several_of(request.getfixturevalue("weaviate")) as open_remote:
            yield open_remote
        return
    if request.param == "pgvector":
        if missing_vectors():
            pytest.skip(missing_vectors())
        url = request.getfixturevalue("empty_database")
    else:
        file = f"sqlite:///{tmp_path / 'patterns.db'}"
        url = file if request.param == "sqlite" else request.getfixturevalue("empty_database")
        open_store(url).close()
    engines = []

    def open_again() -> PatternStore:
        engines.append(open_engine(url))
        return PgvectorPatterns(engines[-1]) if request.param == "pgvector" else EmbeddedPatterns(engines[-1])

    yield open_again
    for engine in engines:
        engine.dispose()


@asynccontextmanager
async def several_of(address: WeaviateAddress) -> AsyncIterator[Open]:
    opened: list[WeaviatePatterns] = []

    def open_again() -> PatternStore:
        opened.append(WeaviatePatterns(address.url, grpc_port=address.grpc_port))
        return opened[-1]

    yield open_again
    for each in opened:
        await each.delete([found.id for found in await each.newest(limit=1000)])
        await each.aclose()


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
        namespace="shop",
        kind="Deployment",
        parameters={"revision": 6, "pause": True, "share": 0.5, "why": "Körper"},
        features=("the container exits with code 1", "你好"),
        tokens=812,
    )


async def test_the_most_alike_patterns_come_first_with_their_cosine(open_patterns: Open) -> None:
    patterns = open_patterns()
    for name, vector in [("east", (1, 0, 0)), ("north", (0, 1, 0)), ("west", (-1, 0, 0)), ("north-east", (1, 1, 0))]:
        await patterns.add([pattern(name, unit(*vector))])

    found = await patterns.nearest(unit(1, 0.1, 0), embedder="three-d", limit=3)

    assert [recalled.pattern.id for recalled in found] == ["east", "north-east", "north"]
    assert [recalled.likeness for recalled in found] == pytest.approx([0.99504, 0.77397, 0.0995], abs=1e-4)


async def test_a_pattern_comes_back_as_it_was_stored(open_patterns: Open) -> None:
    stored = pattern("inc-1", unit(0.2, 0.5, 0.7))
    await open_patterns().add([stored])

    (found,) = await open_patterns().nearest(stored.vector, embedder="three-d")

    assert found.pattern.vector == pytest.approx(stored.vector, abs=1e-6)
    assert dataclasses.replace(found.pattern, vector=stored.vector) == stored


async def test_patterns_of_another_embedder_are_never_compared(open_patterns: Open) -> None:
    patterns = open_patterns()
    await patterns.add([pattern("inc-1", unit(1, 0, 0))])
    await patterns.add([pattern("inc-2", unit(1, 0), embedder="two-d")])

    assert [found.pattern.id for found in await patterns.nearest(unit(1, 0), embedder="two-d")] == ["inc-2"]
    assert await patterns.nearest(unit(1, 0, 0), embedder="unheard-of") == []


async def test_storing_an_id_again_replaces_its_pattern(open_patterns: Open) -> None:
    patterns = open_patterns()
    await patterns.add([pattern("inc-1", unit(1, 0, 0))])
    await patterns.nearest(unit(1, 0, 0), embedder="three-d")
    await patterns.add([pattern("inc-1", unit(0, 0, 1))])

    (found,) = await patterns.nearest(unit(0, 0, 1), embedder="three-d")

    assert found.pattern.id == "inc-1"
    assert found.likeness == pytest.approx(1.0)


async def test_a_pattern_embedded_anew_is_no_find_of_its_former_embedder(open_patterns: Open) -> None:
    one, other = open_patterns(), open_patterns()
    await one.add([pattern("inc-1", unit(1, 0, 0))])
    await one.nearest(unit(1, 0, 0), embedder="three-d")
    await other.add([pattern("inc-1", unit(1, 0), embedder="two-d")])

    assert await one.nearest(unit(1, 0, 0), embedder="three-d") == []


async def test_two_processes_find_what_the_other_stored_after_they_searched(open_patterns: Open) -> None:
    one, other = open_patterns(), open_patterns()
    await one.add([pattern("first", unit(1, 0, 0))])
    assert len(await other.nearest(unit(1, 0, 0), embedder="three-d")) == 1

    await one.add([pattern("second", unit(0, 1, 0))])
    await other.add([pattern("third", unit(0, 0, 1))])
    await other.add([pattern("first", unit(1, 1, 1))])

    for patterns in (one, other):
        found = await patterns.nearest(unit(1, 1, 1), embedder="three-d")
        assert found[0].pattern.id == "first"
        assert {recalled.pattern.id for recalled in found} == {"first", "second", "third"}


async def test_patterns_stored_at_the_same_time_are_all_found(open_patterns: Open) -> None:
    patterns = open_patterns()
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(patterns.add([pattern(f"inc-{number}", unit(1, number, 0))]))

    assert len(await patterns.nearest(unit(1, 0, 0), embedder="three-d", limit=100)) == 20


async def test_a_vector_of_another_length_is_refused(open_patterns: Open) -> None:
    patterns = open_patterns()
    await patterns.add([pattern("inc-1", unit(1, 0, 0))])
    await patterns.nearest(unit(1, 0, 0), embedder="three-d")

    with pytest.raises(InputError):
        await patterns.nearest(unit(1, 0), embedder="three-d")


async def test_only_the_newest_patterns_are_kept_in_memory_and_all_in_the_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'patterns.db'}"
    open_store(url).close()
    engine = open_engine(url)
    for number in range(10):
        await EmbeddedPatterns(engine, capacity=4).add([pattern(f"inc-{number}", unit(1, number, 0))])
    small = EmbeddedPatterns(engine, capacity=4)
    found_before = await small.nearest(unit(1, 0, 0), embedder="three-d", limit=100)
    await small.add([pattern("inc-10", unit(1, 10, 0))])
    found_after = await small.nearest(unit(1, 0, 0), embedder="three-d", limit=100)

    assert {found.pattern.id for found in found_before} == {"inc-6", "inc-7", "inc-8", "inc-9"}
    assert {found.pattern.id for found in found_after} == {"inc-7", "inc-8", "inc-9", "inc-10"}
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM patterns")).scalar_one() == 11
    engine.dispose()


async def test_a_search_is_narrowed_to_what_it_asks_for(open_patterns: Open) -> None:
    patterns, base = open_patterns(), pattern("old", unit(1, 0, 0))
    await patterns.add(
        [
            dataclasses.replace(base, at=base.at - timedelta(days=30)),
            dataclasses.replace(base, id=IncidentId("elsewhere"), namespace="billing"),
            dataclasses.replace(base, id=IncidentId("other-cause"), cause="image_not_found"),
            dataclasses.replace(base, id=IncidentId("undone"), ending=Ending.UNDONE),
        ]
    )

    async def found(where: PatternFilter) -> set[str]:
        recalled = await patterns.nearest(unit(1, 0.5, 0), embedder="three-d", limit=10, where=where)
        assert {each.id for each in await patterns.newest(where=where)} == {each.pattern.id for each in recalled}
        assert await patterns.count(where=where) == len(recalled)
        return {each.pattern.id for each in recalled}

    assert await found(PatternFilter()) == {"old", "elsewhere", "other-cause", "undone"}
    assert await found(PatternFilter(cause="image_not_found")) == {"other-cause"}
    assert await found(PatternFilter(namespace="shop", ending=Ending.HEALED)) == {"old", "other-cause"}
    assert await found(PatternFilter(since=base.at - timedelta(days=1))) == {"elsewhere", "other-cause", "undone"}
    assert await found(PatternFilter(ending=Ending.UNDONE, cause="image_not_found")) == set()
    assert await found(PatternFilter(cause="never-heard-of")) == set()


@pytest.mark.parametrize("compared", [4000, 50])
async def test_a_narrowed_search_finds_the_nearest_of_what_it_is_narrowed_to(
    open_patterns: Open, monkeypatch: pytest.MonkeyPatch, compared: int
) -> None:
    # Beyond so many, pgvector asks its index.
    monkeypatch.setattr(pgvector, "MOST_COMPARED", compared)
    patterns, causes = open_patterns(), ("a", "b", "c")
    turned = [
        dataclasses.replace(
            pattern(f"p-{number:03}", unit(math.cos(number), math.sin(number), 0)), cause=causes[number % 3]
        )
        for number in range(300)
    ]
    await patterns.add(turned)
    nearest = sorted((each for each in turned if each.cause == "b"), key=lambda each: -each.vector[0])[:5]
    found = await patterns.nearest(unit(1, 0, 0), embedder="three-d", limit=5, where=PatternFilter(cause="b"))
    assert [each.pattern.id for each in found] == [each.id for each in nearest]


async def test_a_corrected_outcome_is_seen_by_every_process(open_patterns: Open) -> None:
    one, other = open_patterns(), open_patterns()
    await one.add([pattern("inc-1", unit(1, 0, 0))])
    healed = PatternFilter(ending=Ending.HEALED)
    assert len(await other.nearest(unit(1, 0, 0), embedder="three-d", where=healed)) == 1

    assert await one.set_outcome(IncidentId("inc-1"), Ending.UNDONE)

    assert await other.nearest(unit(1, 0, 0), embedder="three-d", where=healed) == []
    (found,) = await other.nearest(unit(1, 0, 0), embedder="three-d")
    assert found.pattern == dataclasses.replace(pattern("inc-1", unit(1, 0, 0)), ending=Ending.UNDONE)


async def test_the_outcome_of_what_is_not_there_cannot_be_corrected(open_patterns: Open) -> None:
    patterns = open_patterns()
    assert not await patterns.set_outcome(IncidentId("inc-1"), Ending.UNDONE)
    assert await patterns.count() == 0


async def test_what_was_forgotten_is_found_by_no_process_and_takes_no_place_in_a_search(open_patterns: Open) -> None:
    one, other = open_patterns(), open_patterns()
    await one.add([pattern(f"inc-{number}", unit(1, number / 10, 0)) for number in range(6)])
    await other.nearest(unit(1, 0, 0), embedder="three-d")

    assert await one.delete([IncidentId("inc-0"), IncidentId("inc-1"), IncidentId("unheard-of")]) == 2

    for patterns in (one, other):
        found = await patterns.nearest(unit(1, 0, 0), embedder="three-d", limit=2)
        assert [recalled.pattern.id for recalled in found] == ["inc-2", "inc-3"]
    assert await other.count(embedder="three-d") == 4
    assert await other.delete([]) == 0


async def test_patterns_are_had_by_their_ids(open_patterns: Open) -> None:
    patterns = open_patterns()
    stored = [pattern("inc-1", unit(1, 0, 0)), pattern("inc-2", unit(0, 1, 0))]
    await patterns.add(stored)

    assert await patterns.get([IncidentId("inc-2"), IncidentId("gone"), IncidentId("inc-1")]) == stored[::-1]
    assert await patterns.get([]) == []


async def test_every_pattern_stands_on_one_page(open_patterns: Open) -> None:
    patterns = open_patterns()
    names = {f"inc-{number}" for number in range(7)}
    await patterns.add([pattern(name, unit(1, 0, 0)) for name in names])

    seen: list[str] = []
    while page := await patterns.page(after=seen[-1] if seen else "", limit=3):
        seen += [each.id for each in page]

    assert len(seen) == 7
    assert set(seen) == names


async def test_the_newest_come_first_and_no_more_than_wanted(open_patterns: Open) -> None:
    patterns, base = open_patterns(), pattern("inc-0", unit(1, 0, 0))
    await patterns.add(
        [dataclasses.replace(base, id=IncidentId(f"inc-{age}"), at=base.at - timedelta(hours=age)) for age in (3, 1, 2)]
    )

    assert [each.id for each in await patterns.newest(limit=2)] == ["inc-1", "inc-2"]


async def test_an_empty_store_answers_every_question(open_patterns: Open) -> None:
    patterns = open_patterns()
    await patterns.add([])

    assert await patterns.nearest(unit(1, 0, 0), embedder="three-d") == []
    assert (await patterns.page(), await patterns.newest(), await patterns.count(embedder="three-d")) == ([], [], 0)


async def test_a_first_question_of_another_length_does_not_spoil_the_later_ones(open_patterns: Open) -> None:
    patterns = open_patterns()
    await patterns.add([pattern("inc-1", unit(1, 0, 0))])

    with pytest.raises(InputError, match="dimensions"):
        await patterns.nearest(unit(1, 0), embedder="three-d")
    assert len(await patterns.nearest(unit(1, 0, 0), embedder="three-d")) == 1


@pytest.mark.parametrize("vector", [(), (0.0, 0.0, 0.0), (3.0, 4.0), (math.nan, 1.0), (math.inf,)])
def test_a_pattern_without_a_unit_vector_cannot_be_made(vector: tuple[float, ...]) -> None:
    with pytest.raises(EmptyEmbedding):
        pattern("inc-1", vector)


async def test_a_database_without_the_schema_is_an_error_and_no_empty_memory(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'patterns.db'}")
    with pytest.raises(StoreError):
        await EmbeddedPatterns(engine).nearest(unit(1, 0, 0), embedder="three-d")
    engine.dispose()


async def test_an_account_that_may_not_have_the_extension_is_told_how_to_get_it(
    vector_url: str, postgres_cluster: Cluster
) -> None:
    postgres_cluster.sql("CREATE ROLE reader LOGIN")
    patterns = PgvectorPatterns.opened(vector_url.replace("kubernaut@", "reader@"))
    with pytest.raises(SettingsError, match="pgvector") as caught:
        await patterns.count()
    assert "CREATE EXTENSION vector" in caught.value.help
    await patterns.aclose()
    postgres_cluster.sql("DROP ROLE reader")


async def test_a_postgres_that_does_not_answer_is_an_unavailable_store() -> None:
    patterns = PgvectorPatterns.opened(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    with pytest.raises(StoreUnavailable):
        await patterns.nearest(unit(1, 0, 0), embedder="three-d")
    await patterns.aclose()


def test_pgvector_is_only_at_a_postgres_url() -> None:
    with pytest.raises(SettingsError):
        PgvectorPatterns.opened("sqlite:///patterns.db")


async def test_a_weaviate_that_does_not_answer_is_an_unavailable_store_and_may_come_back() -> None:
    patterns = WeaviatePatterns(f"http://127.0.0.1:{free_port()}", grpc_port=free_port())
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await patterns.add([pattern("inc-1", unit(1, 0, 0))])
    await patterns.aclose()


def test_weaviate_is_only_at_an_http_address() -> None:
    with pytest.raises(SettingsError, match="http://"):
        WeaviatePatterns("postgresql://somewhere", grpc_port=1)


async def test_a_missing_key_file_of_weaviate_is_named(tmp_path: Path) -> None:
    patterns = WeaviatePatterns("http://127.0.0.1:1", grpc_port=2, key_file=tmp_path / "no-key")
    with pytest.raises(SettingsError, match="no-key"):
        await patterns.count()
