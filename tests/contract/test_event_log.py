"""The log of events on a database: appended in a chain, checked, rebuilt from."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.reconstruction import differences, rebuild
from tests.examples import HOLD, NOON, a_signal, an_incident


def event(incident: IncidentId, key: str) -> Event:
    return Event(incident, key, EventKind.OBSERVED, NOON, {"seen": key, "odd": "ü\x00"})


async def an_opened(store: Store, name: str = "print-a") -> IncidentId:
    opened = await store.incidents.admit(a_signal(alert=name), an_incident(name), hold=HOLD)
    return opened.incident.id


async def a_log(store: Store, count: int = 6) -> IncidentId:
    incident = await an_opened(store)
    for number in range(count):
        await store.incidents.append(event(incident, f"k{number}"))
    return incident


def tamper(store: Store, statement: str) -> None:
    with store.database_engine.begin() as connection:
        connection.execute(text(statement))


async def test_appended_events_form_a_whole_chain(database_store: Store) -> None:
    await a_log(database_store)

    found = await database_store.event_log.checked()

    assert found.is_whole
    assert found.events == 7
    assert len(found.head) == 64


async def test_an_event_that_was_there_already_adds_no_link(database_store: Store) -> None:
    incident = await a_log(database_store)
    before = await database_store.event_log.checked()

    await database_store.incidents.append(event(incident, "k0"))

    assert await database_store.event_log.checked() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = '{}' WHERE key = 'k3'",
        "UPDATE events SET at = (SELECT min(opened_at) FROM incidents), kind = 'applied' WHERE key = 'k3'",
        "UPDATE events SET phase = 'closed' WHERE key = 'k3'",
        "DELETE FROM events WHERE key = 'k3'",
        "UPDATE events SET hash = '' WHERE key = 'k3'",
        "UPDATE events SET seq = 1000 WHERE key = 'k3'",
        "INSERT INTO events (incident, key, kind, at, about, body, phase, hash) "
        "SELECT incident, 'new', kind, at, about, body, phase, hash FROM events WHERE key = 'k5'",
    ],
    ids=["changed", "kind", "phase", "missing", "no hash", "moved", "added"],
)
async def test_what_somebody_does_to_the_table_is_found(database_store: Store, statement: str) -> None:
    await a_log(database_store)

    tamper(database_store, statement)

    assert not (await database_store.event_log.checked()).is_whole


async def test_a_cut_off_end_is_found_with_the_head_that_was_noted(database_store: Store) -> None:
    await a_log(database_store)
    noted = (await database_store.event_log.checked()).head

    tamper(database_store, "DELETE FROM events WHERE key IN ('k4', 'k5')")

    assert (await database_store.event_log.checked()).is_whole
    assert not (await database_store.event_log.checked(expected_head=noted)).passed_head


async def test_a_walk_goes_on_where_an_earlier_one_ended(database_store: Store) -> None:
    await a_log(database_store)
    first = await database_store.event_log.checked()
    tamper(database_store, "UPDATE events SET body = '{}' WHERE key = 'k1'")
    incident = await an_opened(database_store, "later")
    await database_store.incidents.append(event(incident, "later"))

    on = await database_store.event_log.checked(since=first)

    # It is the whole walk that finds what was changed behind it.
    assert (on.is_whole, on.events > first.events) == (True, True)
    assert not (await database_store.event_log.checked()).is_whole


async def test_writers_at_once_make_one_chain(database_url: str) -> None:
    stores = [open_store(database_url) for _ in range(2)]
    incidents = [await an_opened(store, f"print-{number}") for number, store in enumerate(stores)]

    async with asyncio.TaskGroup() as group:
        for store, incident in zip(stores, incidents, strict=True):
            for number in range(20):
                group.create_task(store.incidents.append(event(incident, f"k{number}")))
    found = await stores[0].event_log.checked()
    for store in stores:
        store.close()

    assert found.is_whole
    assert found.events == 42


async def test_an_older_database_gets_its_chain_when_it_is_opened(database_url: str) -> None:
    store = open_store(database_url)
    await a_log(store)
    whole = await store.event_log.checked()
    for statement in (
        "ALTER TABLE events DROP COLUMN hash",
        "ALTER TABLE events DROP COLUMN phase",
        # What later versions added goes as well: an older database has none of it.
        "DROP TABLE patterns",
        "DROP TABLE pattern_debts",
        "DROP INDEX incidents_of_cause",
        "ALTER TABLE incidents DROP COLUMN alert",
        "ALTER TABLE incidents DROP COLUMN cause",
        "DELETE FROM kubernaut_schema WHERE number >= "
        "(SELECT number FROM kubernaut_schema WHERE name = 'events in a hash chain')",
    ):
        tamper(store, statement)
    store.close()

    opened = open_store(database_url)
    found = await opened.event_log.checked()
    await opened.incidents.append(event(await an_opened(opened), "after"))
    grown = await opened.event_log.checked(expected_head=found.head)
    opened.close()

    assert found == whole
    assert (grown.is_whole, grown.passed_head, grown.events > found.events) == (True, True, True)


async def _close(store: Store, incident: IncidentId) -> None:
    for number, phase in enumerate((Phase.INVESTIGATION, Phase.IMPACT, Phase.LEARNING)):
        await store.incidents.append(event(incident, f"to-{number}"), phase=phase)
    await store.incidents.close(incident, ending=Ending.HEALED, reason="it works again", at=NOON)


@pytest.mark.parametrize("ends", [False, True])
async def test_an_incident_is_rebuilt_from_its_events_alone(database_store: Store, *, ends: bool) -> None:
    incident = await an_opened(database_store)
    await database_store.incidents.admit(a_signal(), an_incident(), hold=HOLD)
    await database_store.incidents.append(event(incident, "look"), phase=Phase.INVESTIGATION)
    if ends:
        await _close(database_store, incident)

    rebuilt = rebuild(await database_store.incidents.events(incident))

    assert rebuilt == await database_store.incidents.get(incident)


async def test_a_row_that_was_changed_behind_the_events_is_told_by_its_field(database_store: Store) -> None:
    incident = await an_opened(database_store)
    rebuilt = rebuild(await database_store.incidents.events(incident))
    tamper(database_store, "UPDATE incidents SET body = replace(body, 'warning', 'critical')")

    stored = await database_store.incidents.get(incident)

    assert rebuilt is not None
    assert stored is not None
    assert [(each.field, each.by_events, each.stored) for each in differences(rebuilt, stored)] == [
        ("severity", "warning", "critical")
    ]


def test_events_that_do_not_tell_the_opening_rebuild_nothing() -> None:
    assert rebuild([event(IncidentId("inc-a"), "k")]) is None
    assert rebuild([]) is None
