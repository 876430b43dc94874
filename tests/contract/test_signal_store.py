from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.contract.conftest import Stores
from tests.examples import HOLD, NOON, a_signal, an_incident


async def test_an_accepted_signal_waits_and_is_read_back_as_it_came(stores: Stores) -> None:
    signal = a_signal(labels={"alertname": "A", "note": "line\nbreak, \x00 and ünïcode '; DROP TABLE signals"})

    await stores.signals.accept([signal])

    assert await stores.signals.waiting(10) == [signal]


async def test_signals_wait_in_the_order_they_were_accepted(stores: Stores) -> None:
    batch = [a_signal(after=timedelta(seconds=-n)) for n in range(5)]

    await stores.signals.accept(batch[:2])
    await stores.signals.accept(batch[2:])

    assert await stores.signals.waiting(10) == batch
    assert await stores.signals.waiting(3) == batch[:3]


async def test_accepting_nothing_is_fine(stores: Stores) -> None:
    await stores.signals.accept([])

    assert await stores.signals.waiting(10) == []


async def test_a_signal_accepted_twice_waits_once(stores: Stores) -> None:
    signal = a_signal()

    await stores.signals.accept([signal])
    await stores.signals.accept([signal, a_signal()])

    assert len(await stores.signals.waiting(10)) == 2


async def test_a_signal_set_aside_waits_no_more(stores: Stores) -> None:
    first, second = a_signal(), a_signal()
    await stores.signals.accept([first, second])

    await stores.signals.set_aside(first.id, reason="nothing is open for it", at=NOON)

    assert await stores.signals.waiting(10) == [second]


async def test_a_signal_that_an_incident_took_cannot_be_set_aside_from_it(stores: Stores) -> None:
    signal = a_signal()
    await stores.signals.accept([signal])
    opened = await stores.incidents.admit(signal, an_incident(), hold=HOLD)

    await stores.signals.set_aside(signal.id, reason="too late", at=NOON)

    again = await stores.incidents.admit(signal, an_incident("other"), hold=HOLD)
    assert again.incident.id == opened.incident.id


async def test_signals_of_many_callers_at_once_are_all_kept(stores: Stores) -> None:
    batches = [[a_signal(), a_signal()] for _ in range(100)]

    async with asyncio.TaskGroup() as group:
        for batch in batches:
            group.create_task(stores.signals.accept(batch))

    kept = {signal.id for signal in await stores.signals.waiting(1000)}
    assert kept == {signal.id for batch in batches for signal in batch}


async def test_a_large_batch_is_kept_whole_and_in_order(stores: Stores) -> None:
    batch = [a_signal(alert=f"alert-{number}") for number in range(1201)]

    await stores.signals.accept(batch)

    assert await stores.signals.waiting(5000) == batch


async def test_the_oldest_taken_signals_are_let_go_of_in_batches(stores: Stores) -> None:
    old = [a_signal(alert=f"alert-{number}", after=timedelta(days=-9, seconds=number)) for number in range(5)]
    recent = a_signal(alert="recent")
    await stores.signals.accept([*old, recent])
    for signal in [*old, recent]:
        await stores.signals.set_aside(signal.id, reason="done", at=NOON)
    a_week_ago = NOON - timedelta(days=7)

    assert [await stores.signals.prune(a_week_ago, limit=3) for _ in range(3)] == [3, 2, 0]


async def test_a_signal_that_waits_is_never_let_go_of_nor_a_later_one(stores: Stores) -> None:
    waiting = a_signal(alert="slow", after=timedelta(days=-9))
    resolution = a_signal(alert="slow", firing=False, after=timedelta(days=-8))
    await stores.signals.accept([waiting, resolution])
    await stores.incidents.resolve(resolution)

    assert await stores.signals.prune(NOON, limit=10) == 0

    admission = await stores.incidents.admit(waiting, an_incident(), hold=HOLD)
    assert not await stores.incidents.still_firing(admission.incident.id)
    assert await stores.signals.prune(NOON, limit=10) == 2


async def test_an_incident_keeps_its_story_when_its_signals_are_let_go_of(stores: Stores) -> None:
    signal = a_signal()
    admission = await stores.incidents.admit(signal, an_incident(), hold=HOLD)
    told = await stores.incidents.events(admission.incident.id)

    assert await stores.signals.prune(NOON + timedelta(days=8), limit=10) == 1

    assert await stores.incidents.events(admission.incident.id) == told
    assert await stores.incidents.still_firing(admission.incident.id)


async def test_the_backlog_says_how_many_wait_and_since_when(stores: Stores) -> None:
    empty = await stores.signals.backlog()
    late, early, taken = a_signal(), a_signal(after=timedelta(minutes=-9)), a_signal(after=timedelta(hours=-1))
    await stores.signals.accept([late, early, taken])
    await stores.signals.set_aside(taken.id, reason="nothing is open for it", at=NOON)

    backlog = await stores.signals.backlog()

    assert (empty.waiting, empty.oldest) == (0, None)
    assert (backlog.waiting, backlog.oldest) == (2, NOON - timedelta(minutes=9))
