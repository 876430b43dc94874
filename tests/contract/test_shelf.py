"""Texts that are kept until a moment: memory and both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.memory.shelf import MemoryShelf
from kubernaut.adapters.store import Store, open_store
from kubernaut.ports import Shelf

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=15)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    if request.param == "memory":
        yield MemoryShelf()
        return
    url = f"sqlite:///{tmp_path}/k.db" if request.param == "sqlite" else request.getfixturevalue("empty_database")
    store = open_store(url)
    yield store.shelf
    store.close()


async def test_what_was_put_there_is_found(shelf: Shelf) -> None:
    await shelf.put("a", '{"x": "ä\\u0000"}', until=LATER)
    assert await shelf.get("a", now=NOON) == '{"x": "ä\\u0000"}'


async def test_what_was_not_put_there_is_not(shelf: Shelf) -> None:
    assert await shelf.get("a", now=NOON) is None


async def test_nothing_is_found_when_its_time_is_over(shelf: Shelf) -> None:
    await shelf.put("a", "text", until=LATER)
    assert await shelf.get("a", now=LATER) is None


async def test_a_later_text_takes_the_place_of_an_earlier_one(shelf: Shelf) -> None:
    await shelf.put("a", "old", until=NOON)
    await shelf.put("a", "new", until=LATER)
    assert await shelf.get("a", now=NOON) == "new"


async def test_other_keys_are_left_alone(shelf: Shelf) -> None:
    await shelf.put("a", "one", until=LATER)
    await shelf.put("b", "two", until=LATER + timedelta(hours=1))
    assert (await shelf.get("a", now=NOON), await shelf.get("b", now=NOON)) == ("one", "two")


async def test_it_is_found_by_the_next_process(database_store: Store, database_url: str) -> None:
    await database_store.shelf.put("a", "text", until=LATER)
    database_store.close()
    again = open_store(database_url)
    assert await again.shelf.get("a", now=NOON) == "text"
    again.close()
