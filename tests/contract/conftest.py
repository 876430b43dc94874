from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.adapters.store import Store, open_store
from kubernaut.ports import IncidentStore, SignalStore, Switch


@dataclass
class Stores:
    """The ports that one database, or the memory, implements together."""

    signals: SignalStore
    incidents: IncidentStore
    switch: Switch


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kubernaut.db"
    url: str = request.getfixturevalue("empty_database")
    return url


@pytest.fixture
def database_store(database_url: str) -> Iterator[Store]:
    store = open_store(database_url)
    yield store
    store.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    if request.param == "memory":
        inbox = MemorySignalStore()
        yield Stores(inbox, MemoryIncidentStore(inbox), MemorySwitch())
        return
    url = f"sqlite:///{tmp_path}/k.db" if request.param == "sqlite" else request.getfixturevalue("empty_database")
    store = open_store(url)
    yield Stores(store.signals, store.incidents, store.switch)
    store.close()
