"""The recorded month: sealed, moved to now, and taken into a database whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.chain import Recorded, check
from kubernaut.domain.errors import StoreError
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.entrypoints.fastforward import moved, recorded_month
from kubernaut.entrypoints.terminal.look import Look
from kubernaut.entrypoints.value.gathering import gather_value
from kubernaut.entrypoints.value.sheet import sheet_of
from kubernaut.entrypoints.value.writing import as_text
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.period import Period
from kubernaut.ports import IncidentFilter

ENDS = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def month() -> list[Recorded]:
    return recorded_month()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'month.sqlite'}")
    yield opened
    opened.close()


def test_the_recording_is_sealed_and_a_changed_word_breaks_it(month: list[Recorded]) -> None:
    assert check(month).is_whole
    place = len(month) // 2
    forged = [*month[:place], replace(month[place], about="another"), *month[place + 1 :]]
    assert check(forged).broken is not None


def test_the_recording_covers_thirty_days_and_every_way_that_an_incident_may_end(month: list[Recorded]) -> None:
    assert timedelta(days=28) < month[-1].at - month[0].at < timedelta(days=31)
    endings = {event.body["ending"] for event in moved(month, ends=ENDS) if event.kind is EventKind.CLOSED}
    assert endings >= {Ending.HEALED, Ending.UNDONE, Ending.ESCALATED, Ending.DECLINED, Ending.SELF_RESOLVED}


def test_every_time_in_it_is_moved_and_nothing_else(month: list[Recorded]) -> None:
    events = moved(month, ends=ENDS)
    assert timedelta() <= ENDS - max(event.at for event in events) < timedelta(days=1)
    years = {found for event in events for found in re.findall(r"\b\d{4}-\d\d-\d\d\b", str(event.body))}
    assert years
    assert all(day.startswith(("2026-04-", "2026-05-", "2026-06-")) for day in years)
    stays = moved(month, ends=max(one.at for one in month))
    known = {(one.incident, one.key): json.loads(one.body) for one in month}
    assert all(event.body == known[event.incident, event.key] for event in stays)


async def test_a_database_takes_it_in_and_reports_it_as_simulated(month: list[Recorded], store: Store) -> None:
    events = moved(month, ends=ENDS)
    brought = await store.take_in(events)
    assert brought == len({event.incident for event in events})
    assert (await store.event_log.checked()).is_whole
    assert await store.incidents.count(IncidentFilter(open_only=True)) == 0
    report = await gather_value(store.incidents, Period(ENDS - timedelta(days=31), ENDS), ValueInputs())
    assert report.incidents == report.simulated == brought
    assert ", simulated · " in as_text(sheet_of(report, cluster="sandbox"), Look())[0]


async def test_taking_it_in_twice_is_refused_and_changes_nothing(month: list[Recorded], store: Store) -> None:
    events = moved(month, ends=ENDS)
    await store.take_in(events)
    last = await store.incidents.last_seq()
    with pytest.raises(StoreError):
        await store.take_in(events)
    assert await store.incidents.last_seq() == last


async def test_an_incident_that_has_not_ended_is_not_taken_in(month: list[Recorded], store: Store) -> None:
    events = [event for event in moved(month, ends=ENDS) if event.kind is not EventKind.CLOSED]
    with pytest.raises(StoreError):
        await store.take_in(events)
    assert await store.incidents.last_seq() == 0
