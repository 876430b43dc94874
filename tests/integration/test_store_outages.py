from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from kubernaut.adapters.store import Store, open_store
from kubernaut.adapters.store.migrations import MIGRATIONS
from kubernaut.adapters.store.opening import open_engine
from kubernaut.adapters.store.schema import metadata
from kubernaut.domain.errors import SettingsError, StoreError, StoreUnavailable, UnknownName
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject
from kubernaut.engine.runs import Entry
from kubernaut.ports import IncidentFilter
from tests.examples import HOLD, NOON, a_signal, an_incident
from tests.postgres import Cluster


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that nobody has opened yet: its schema is not made."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kubernaut.db"
    return str(request.getfixturevalue("postgres_url"))


def on_all_connections(store: Store, pragma: str) -> None:
    """Bounds every connection of the store, as the disk or the file system would."""
    engine = store._database.engine
    store.signals._writer.drop()
    connections = [engine.connect() for _ in range(6)]
    for connection in connections:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kubernaut.db"


async def test_a_full_disk_acknowledges_nothing_and_works_again_when_there_is_room(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    before = a_signal()
    await store.signals.accept([before])
    on_all_connections(store, "max_page_count = 1")

    with pytest.raises(StoreUnavailable, match="full"):
        await store.signals.accept([a_signal(labels={"note": "x" * 200_000})])
    with pytest.raises(StoreError, match="full"):
        await store.incidents.admit(a_signal(labels={"note": "x" * 200_000}), an_incident(), hold=HOLD)
    assert await store.signals.waiting(10) == [before]

    on_all_connections(store, "max_page_count = 1000000")
    after = a_signal(labels={"note": "x" * 200_000})
    await store.signals.accept([after])
    assert await store.signals.waiting(10) == [before, after]
    store.close()


async def test_a_disk_that_fills_up_within_a_large_batch_keeps_none_of_it(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    on_all_connections(store, "max_page_count = 150")

    with pytest.raises(StoreUnavailable, match="full"):
        await store.signals.accept([a_signal(labels={"note": "x" * 700}) for _ in range(1201)])

    assert await store.signals.waiting(2000) == []
    store.close()


async def test_a_database_locked_by_somebody_else_acknowledges_nothing_and_works_again(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    on_all_connections(store, "busy_timeout = 50")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="locked"):
        await store.signals.accept([a_signal()])
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.prove_writable()

    other.execute("ROLLBACK")
    other.close()
    await store.signals.accept([a_signal()])
    await store.prove_writable()
    store.close()


async def test_a_database_that_may_not_be_written_acknowledges_nothing(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    on_all_connections(store, "query_only = ON")

    with pytest.raises(StoreUnavailable, match="readonly"):
        await store.signals.accept([a_signal()])

    on_all_connections(store, "query_only = OFF")
    await store.signals.accept([a_signal()])
    store.close()


async def test_a_postgres_that_goes_away_is_unavailable_until_it_is_back(
    postgres_cluster: Cluster, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    kept = a_signal()
    await store.signals.accept([kept])

    postgres_cluster.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.signals.accept([a_signal()])
        with pytest.raises(StoreUnavailable):
            await store.signals.waiting(1)
        with pytest.raises(StoreUnavailable):
            await store.prove_writable()
    finally:
        postgres_cluster.start()

    later = a_signal()
    await store.signals.accept([later])
    assert await store.signals.waiting(10) == [kept, later]
    store.close()


async def test_a_postgres_that_only_reads_acknowledges_nothing(postgres_cluster: Cluster, postgres_url: str) -> None:
    store = open_store(postgres_url)
    database = postgres_url.rpartition("/")[2]
    postgres_cluster.sql(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    store._database.engine.dispose()

    with pytest.raises(StoreUnavailable, match="read-only"):
        await store.signals.accept([a_signal()])
    store.close()


def test_an_unreachable_postgres_is_said_so_at_the_start(postgres_cluster: Cluster) -> None:
    port = _closed_port(postgres_cluster)
    with pytest.raises(StoreUnavailable, match=f"@127.0.0.1:{port}/x") as refused:
        open_store(f"postgresql://kubernaut:swordfish@127.0.0.1:{port}/x?password=swordfish")
    assert "swordfish" not in str(refused.value)


def _closed_port(cluster: Cluster) -> int:
    return 1 if cluster.port != 1 else 2


async def test_more_than_the_room_for_waiting_alerts_is_refused_at_once(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    store.signals._commits._room = 2000
    large = a_signal(labels={"note": "x" * 3000})

    with pytest.raises(StoreUnavailable, match="too much"):
        await store.signals.accept([large])

    await store.signals.accept([a_signal()])
    store.close()


async def test_a_closed_store_acknowledges_nothing(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    store.close()

    with pytest.raises(StoreUnavailable):
        await store.signals.accept([a_signal()])
    with pytest.raises(StoreUnavailable):
        await store.signals.waiting(1)


async def test_what_waits_when_the_store_closes_is_committed_first(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.signals.accept([a_signal()])) for _ in range(50)]
        await asyncio.sleep(0)
        store.close()
    assert all(task.done() for task in tasks)

    again = open_store(f"sqlite:///{file}")
    assert len(await again.signals.waiting(100)) == 50
    again.close()


async def test_a_store_opened_again_has_what_was_committed(database_url: str) -> None:
    first = open_store(database_url)
    signal = a_signal()
    await first.signals.accept([signal])
    first.close()

    second = open_store(database_url)
    assert await second.signals.waiting(10) == [signal]
    second.close()


async def test_two_stores_on_one_database_open_one_incident_for_one_fault(database_url: str) -> None:
    stores = [open_store(database_url), open_store(database_url)]

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(stores[n % 2].incidents.admit(a_signal(), an_incident(), hold=HOLD)) for n in range(40)
        ]

    assert sum(task.result().opened for task in tasks) == 1
    incident = await stores[0].incidents.get(tasks[0].result().incident.id)
    assert incident is not None
    assert incident.signals == 40
    for store in stores:
        store.close()


async def test_a_write_that_cannot_be_made_repeats_and_undoes_no_other_of_its_group(database_url: str) -> None:
    store = open_store(database_url)
    opened = (await store.incidents.admit(a_signal(), an_incident(), hold=HOLD)).incident
    await store.runs.begin("inc-1", {}, owner="a")

    def told(incident: IncidentId, number: int) -> Event:
        return Event(incident, f"noticed-{number}", EventKind.NOTICED, opened.opened_at, {})

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(store.incidents.admit(a_signal(), an_incident(), hold=HOLD))
            group.create_task(store.incidents.append(told(opened.id, number)))
            group.create_task(store.runs.keep("inc-1", number, Entry(f"step-{number}", number), owner="a"))
            group.create_task(refused(store.incidents.append(told(IncidentId("nobody"), number))))

    incident = await store.incidents.get(opened.id)
    assert incident is not None
    assert incident.signals == 11
    kinds = [event.kind for event in await store.incidents.events(opened.id)]
    assert (kinds.count(EventKind.JOINED), kinds.count(EventKind.NOTICED), len(kinds)) == (10, 10, 21)
    assert [entry.body for entry in await store.runs.journal("inc-1")] == list(range(10))
    assert (await store.event_log.checked()).is_whole
    store.close()


async def refused(write: Awaitable[None]) -> None:
    with pytest.raises(UnknownName):
        await write


async def test_two_stores_admitting_one_signal_count_it_once(database_url: str) -> None:
    stores = [open_store(database_url), open_store(database_url)]
    signal = a_signal()
    await stores[0].signals.accept([signal])

    admissions = await asyncio.gather(
        *(stores[n % 2].incidents.admit(signal, an_incident(), hold=HOLD) for n in range(10))
    )

    assert {admission.incident.signals for admission in admissions} == {1}
    assert len(await stores[0].incidents.events()) == 1
    for store in stores:
        store.close()


def test_the_file_and_its_companions_are_for_their_owner_alone(file: Path) -> None:
    os.umask(os.umask(0o022))
    store = open_store(f"sqlite:///{file}")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    store.close()

    assert modes == {"kubernaut.db": 0o600, "kubernaut.db-wal": 0o600, "kubernaut.db-shm": 0o600}


def test_sqlite_writes_ahead_and_syncs_every_commit(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    with store._database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    store.close()


def test_the_migrations_make_the_tables_that_the_queries_name(database_url: str) -> None:
    open_store(database_url).close()

    engine = open_engine(database_url)
    found = inspect(engine)
    for table in metadata.tables.values():
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        assert set(columns) == set(table.columns.keys())
        for column in table.columns:
            assert column.primary_key or columns[column.name]["nullable"] == column.nullable, (
                f"{table.name}.{column.name}"
            )
    assert set(found.get_table_names()) == {*metadata.tables, "kubernaut_schema"}
    engine.dispose()


def test_opening_a_migrated_database_again_changes_nothing(database_url: str) -> None:
    for _ in range(2):
        open_store(database_url).close()

    engine = open_engine(database_url)
    with engine.connect() as connection:
        numbers = connection.exec_driver_sql("SELECT number FROM kubernaut_schema ORDER BY number").scalars().all()
    engine.dispose()
    assert numbers == [migration.number for migration in MIGRATIONS]


async def test_incidents_of_an_older_version_are_found_by_alert_and_cause(database_url: str) -> None:
    store = open_store(database_url)
    signal = a_signal()
    await store.incidents.admit(signal, an_incident(), hold=timedelta())
    [incident] = await store.incidents.find(IncidentFilter())
    for number, cause in enumerate(("volume_full", "crash_after_change")):
        body: JsonObject = {"diagnosis": {"hypotheses": [{"cause": cause}]}, "seen": "\x00"}
        await store.incidents.append(Event(incident.id, f"look-{number}", EventKind.DIAGNOSED, NOON, body))
    added = next(migration for migration in MIGRATIONS if migration.name == "incidents found by alert and cause")
    with store._database.engine.execution_options(kubernaut_writes=True).begin() as connection:
        # As the version before left it.
        connection.exec_driver_sql("DROP INDEX incidents_of_cause")
        for column in ("alert", "cause"):
            connection.exec_driver_sql(f"ALTER TABLE incidents DROP COLUMN {column}")
        connection.execute(text("DELETE FROM kubernaut_schema WHERE number >= :number"), {"number": added.number})
    store.close()

    store = open_store(database_url)
    wanted = IncidentFilter(alert=incident.alert, cause="crash_after_change")
    assert await store.incidents.find(wanted) == [incident]
    assert await store.incidents.find(IncidentFilter(cause="volume_full")) == []
    store.close()


async def test_processes_that_start_at_once_migrate_once(database_url: str) -> None:
    stores = await asyncio.gather(*(asyncio.to_thread(open_store, database_url) for _ in range(6)))

    await stores[3].signals.accept([a_signal()])
    assert len(await stores[5].signals.waiting(10)) == 1
    for store in stores:
        store.close()


def test_a_database_of_a_newer_version_is_refused(file: Path) -> None:
    open_store(f"sqlite:///{file}").close()
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO kubernaut_schema VALUES (9999, 'later', '2030-01-01')")
    engine.dispose()

    with pytest.raises(StoreError, match="9999"):
        open_store(f"sqlite:///{file}")


@pytest.mark.parametrize("url", ["mysql://h/d", "nonsense", "sqlite://", "sqlite:///:memory:", ""])
def test_a_url_that_names_no_durable_store_is_refused_with_the_forms_that_do(url: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        open_store(url)

    assert "postgresql://" in refusal.value.help


def test_a_file_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreUnavailable, match="cannot open"):
        open_store(f"sqlite:///{tmp_path}/file/below.db")


def test_a_file_that_is_no_database_is_said_so(file: Path) -> None:
    file.write_text("this is no database, " * 100)

    with pytest.raises(StoreUnavailable, match=f"{file}: .*not a database"):
        open_store(f"sqlite:///{file}")
