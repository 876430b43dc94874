"""The weekly summary: what it says, and that each week is told once."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.ids import CountingIds
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.leases import MemoryLeases
from kubernaut.adapters.memory.notifier import MemoryNotifier
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.errors import NotifyFailed, SettingsError
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.proposals import Agreement
from kubernaut.entrypoints.value.summary import gather_summary, summary_lines, summary_title
from kubernaut.entrypoints.value.weekly import Moment, WeeklySummary
from kubernaut.impact.inputs import Range, ValueInputs
from kubernaut.impact.period import Period
from kubernaut.ports import Message
from kubernaut.settings import load_settings
from tests.worth import Happened, tell, tell_proposal

BERLIN = "Europe/Berlin"
MONDAY = datetime(2026, 3, 9, 8, 0, tzinfo=ZoneInfo("UTC"))
WEEK = timedelta(days=7)
DECLARED = ValueInputs(Range(25, 42, 70), Range(70, 70, 70))


class Deaf(MemoryNotifier):
    """A channel that takes nothing for a while."""

    deaf = True

    async def send(self, message: Message) -> str:
        if self.deaf:
            raise NotifyFailed("no answer")
        return await super().send(message)


class Office:
    """Replicas on one database, on the Friday before the summary of a week with incidents is due."""

    def __init__(self, notifier: MemoryNotifier | None = None) -> None:
        self.clock = ManualClock(MONDAY - timedelta(days=3))
        self.leases = MemoryLeases(self.clock)
        self.notifier = notifier or MemoryNotifier()
        self.store = MemoryIncidentStore(MemorySignalStore())
        self.ids = CountingIds()

    async def happen(self, ending: Ending = Ending.HEALED, *, days_ago: float = 1, cause: str = "deadlock") -> None:
        opened = self.clock.now() - timedelta(days=days_ago)
        await tell(self.store, [Happened(f"print-{opened:%d%H}-{cause}", cause, ending, 80, opened)])

    def replica(self, inputs: ValueInputs = DECLARED) -> WeeklySummary:
        moment = Moment.of("mon 08:00", "UTC")
        return WeeklySummary(self.store, self.leases, self.notifier, self.clock, self.ids, inputs, "prod-eu", moment)


async def test_nothing_is_sent_before_its_time_and_one_message_at_it() -> None:
    office = Office()
    await office.happen(days_ago=6)
    await office.clock.advance(timedelta(days=2))
    assert await office.replica().send_due() != ""
    office.notifier.sent.clear()
    await office.clock.advance(timedelta(days=1) - timedelta(minutes=1))
    assert await office.replica().send_due() == ""
    await office.clock.advance(timedelta(minutes=1))
    await office.replica().send_due()
    [message] = office.notifier.sent
    assert message.title == "Kubernaut, week 10 (2026-03-02 to 2026-03-09), prod-eu"
    assert message.facts["outcome"] == "summary"


async def test_a_week_is_told_once_whatever_replicas_and_restarts_there_are() -> None:
    office = Office()
    await office.happen()
    await office.clock.advance(timedelta(days=3))
    for _ in range(20):
        await office.replica().send_due()
        await office.clock.advance(timedelta(hours=8))
    assert len(office.notifier.sent) == 1


async def test_a_week_whose_moment_passed_while_nothing_ran_is_told_late() -> None:
    office = Office()
    await office.happen()
    await office.clock.advance(timedelta(days=5))
    await office.replica().send_due()
    assert len(office.notifier.sent) == 1


async def test_a_process_that_dies_before_it_sent_leaves_the_week_to_another() -> None:
    office = Office()
    await office.happen()
    await office.clock.advance(timedelta(days=3))
    assert await office.leases.acquire("summary:2026-03-09T08:00", "dead", duration=timedelta(minutes=10))
    assert await office.replica().send_due() == ""
    await office.clock.advance(timedelta(minutes=11))
    await office.replica().send_due()
    assert len(office.notifier.sent) == 1


async def test_a_channel_that_fails_gets_it_later() -> None:
    notifier = Deaf()
    office = Office(notifier)
    await office.happen()
    await office.clock.advance(timedelta(days=3))
    with pytest.raises(NotifyFailed):
        await office.replica().send_due()
    notifier.deaf = False
    await office.clock.advance(timedelta(minutes=11))
    await office.replica().send_due()
    assert len(office.notifier.sent) == 1


async def test_an_installation_without_a_past_tells_of_no_week_before_it() -> None:
    office = Office()
    await office.clock.advance(timedelta(days=4))
    await office.happen(days_ago=0.1)
    assert await office.replica().send_due() == ""
    assert office.notifier.sent == []


async def test_it_says_how_the_week_went_and_what_needs_people() -> None:
    office = Office()
    await office.happen(days_ago=9)
    for days in (1, 2, 3):
        await office.happen(days_ago=days)
    await office.happen(Ending.ESCALATED, cause="probe_wrong")
    opened = office.clock.now() - timedelta(days=2)
    shadowed = Happened("print-shadow", "deadlock", Ending.ESCALATED, 3, opened)
    await tell_proposal(office.store, shadowed, Agreement.OTHER_CHANGE, 9.0)
    now = office.clock.now()
    summary = await gather_summary(office.store, Period(now - WEEK, now), DECLARED)
    text = "\n".join(summary_lines(summary))
    assert "5 incidents closed: 3 healed · 2 escalated" in text
    assert "80 s median (n = 3)" in text
    assert "the period before: 80 s (n = 1)" in text
    assert "People's time saved" in text
    assert "Automate next: probe_wrong, handed over 1 time" in text
    assert "Proposed and not done: 1, right 0 of 1, 0 %, wrong 1" in text
    assert summary_title(summary, cluster="prod-eu").endswith("prod-eu")


async def test_what_is_not_declared_is_not_computable() -> None:
    office = Office()
    await office.happen()
    now = office.clock.now()
    summary = await gather_summary(office.store, Period(now - WEEK, now), ValueInputs())
    assert "not computable, value.minutes_by_hand is not declared" in "\n".join(summary_lines(summary))


@given(st.integers(0, 2 * 365 * 24 * 60), st.integers(0, 6), st.integers(0, 23))
def test_the_last_moment_is_within_a_week_and_at_the_wanted_time_of_the_zones_clocks(
    minutes: int, weekday: int, hour: int
) -> None:
    at = MONDAY + timedelta(minutes=minutes)
    moment = Moment(weekday, hour, 30, ZoneInfo(BERLIN))
    last = moment.last(at)
    assert last <= at
    assert at - last <= WEEK + timedelta(hours=1)
    assert (last.weekday(), last.hour) == (weekday, hour)


@pytest.mark.parametrize("wrong", ["monday 08:00", "mon 24:00", "mon", "08:00"])
def test_a_time_that_is_none_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNAUT_NOTIFY__SUMMARY__AT", wrong)
    with pytest.raises(SettingsError):
        load_settings(None)
