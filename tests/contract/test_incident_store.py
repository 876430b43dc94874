from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.domain.errors import TransitionRefused, UnknownName
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.ports import IncidentFilter, IncidentStore
from tests.contract.conftest import Stores
from tests.examples import HOLD, NOON, a_signal, an_incident

MINUTE = timedelta(minutes=1)


async def opened(stores: Stores, candidate: Incident | None = None, *, alert: str = "alert-a") -> Incident:
    signal = a_signal(alert=alert)
    await stores.signals.accept([signal])
    return (await stores.incidents.admit(signal, candidate or an_incident(), hold=HOLD)).incident


async def closed(store: IncidentStore, incident: Incident, *, ending: Ending = Ending.HEALED, at: timedelta) -> None:
    for phase in (Phase.IMPACT, Phase.LEARNING):
        await store.append(an_event(incident.id, f"to-{phase}"), phase=phase)
    await store.close(incident.id, ending=ending, reason="it is over", at=NOON + at)


def an_event(incident: IncidentId, key: str, kind: EventKind = EventKind.OBSERVED) -> Event:
    return Event(incident, key, kind, NOON, {"seen": [1, 2.5, None, "ü\x00"], "key": key})


async def test_the_first_signal_of_a_fingerprint_opens_the_candidate(stores: Stores) -> None:
    signal, candidate = a_signal(), an_incident()
    await stores.signals.accept([signal])

    admission = await stores.incidents.admit(signal, candidate, hold=HOLD)

    assert admission.opened
    assert admission.incident == candidate == await stores.incidents.get(candidate.id)
    assert await stores.incidents.open_fingerprint(candidate.fingerprint) == candidate
    assert await stores.signals.waiting(10) == []
    [event] = await stores.incidents.events(candidate.id)
    assert event.kind is EventKind.RECEIVED
    assert event.at == signal.received_at
    assert event.body["labels"] == signal.labels


async def test_a_signal_of_an_open_fingerprint_joins_and_is_counted(stores: Stores) -> None:
    incident = await opened(stores)

    again = await stores.incidents.admit(a_signal(), an_incident(), hold=HOLD)

    assert not again.opened
    assert again.incident == replace(incident, signals=2) == await stores.incidents.get(incident.id)
    kinds = [event.kind for event in await stores.incidents.events(incident.id)]
    assert kinds == [EventKind.RECEIVED, EventKind.JOINED]


async def test_another_fingerprint_opens_another_incident(stores: Stores) -> None:
    first = await opened(stores)

    second = await stores.incidents.admit(a_signal(), an_incident("print-b"), hold=HOLD)

    assert second.opened
    assert second.incident.id != first.id


async def test_admitting_a_signal_again_answers_alike_and_counts_nothing(stores: Stores) -> None:
    signal = a_signal()
    await stores.signals.accept([signal])
    first = await stores.incidents.admit(signal, an_incident(), hold=HOLD)

    again = await stores.incidents.admit(signal, an_incident(), hold=HOLD)

    assert again == first
    assert len(await stores.incidents.events()) == 1


async def test_a_signal_within_the_hold_joins_the_closed_incident_without_opening_it(stores: Stores) -> None:
    incident = await opened(stores)
    await closed(stores.incidents, incident, at=MINUTE)

    within = await stores.incidents.admit(a_signal(after=MINUTE + HOLD / 2), an_incident(), hold=HOLD)

    assert not within.opened
    assert within.incident.id == incident.id
    assert within.incident.phase is Phase.CLOSED
    assert within.incident.signals == 2


async def test_a_signal_after_the_hold_opens_a_new_incident(stores: Stores) -> None:
    incident = await opened(stores)
    await closed(stores.incidents, incident, at=MINUTE)

    after = await stores.incidents.admit(a_signal(after=MINUTE + HOLD), an_incident(), hold=HOLD)

    assert after.opened
    assert after.incident.id != incident.id


async def test_an_open_incident_is_joined_rather_than_one_that_just_closed(stores: Stores) -> None:
    old = await opened(stores)
    await closed(stores.incidents, old, at=MINUTE)
    new = await stores.incidents.admit(a_signal(after=MINUTE), an_incident(), hold=timedelta())

    third = await stores.incidents.admit(a_signal(after=2 * MINUTE), an_incident(), hold=HOLD)

    assert third.incident.id == new.incident.id


async def test_many_signals_of_one_fingerprint_at_once_open_one_incident(stores: Stores) -> None:
    signals = [a_signal() for _ in range(40)]
    await stores.signals.accept(signals)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(stores.incidents.admit(signal, an_incident(), hold=HOLD)) for signal in signals]

    admissions = [task.result() for task in tasks]
    assert sum(admission.opened for admission in admissions) == 1
    assert len({admission.incident.id for admission in admissions}) == 1
    incident = await stores.incidents.get(admissions[0].incident.id)
    assert incident is not None
    assert incident.signals == 40
    assert await stores.signals.waiting(100) == []


async def test_a_resolution_is_noted_on_the_open_incident_of_the_alert(stores: Stores) -> None:
    incident = await opened(stores)
    resolution = a_signal(firing=False, after=MINUTE)
    await stores.signals.accept([resolution])
    assert await stores.incidents.still_firing(incident.id)

    assert await stores.incidents.resolve(resolution) == [incident]

    assert not await stores.incidents.still_firing(incident.id)
    assert await stores.signals.waiting(10) == []
    last = (await stores.incidents.events(incident.id))[-1]
    assert last.kind is EventKind.RESOLVED


async def test_resolving_twice_answers_alike_and_is_told_once(stores: Stores) -> None:
    incident = await opened(stores)
    resolution = a_signal(firing=False, after=MINUTE)

    assert await stores.incidents.resolve(resolution) == await stores.incidents.resolve(resolution)

    assert len(await stores.incidents.events(incident.id)) == 2


async def test_a_resolution_of_an_unknown_alert_touches_nothing_and_leaves_the_inbox(stores: Stores) -> None:
    incident = await opened(stores)
    resolution = a_signal(alert="alert-z", firing=False)
    await stores.signals.accept([resolution])

    assert await stores.incidents.resolve(resolution) == []

    assert await stores.signals.waiting(10) == []
    assert await stores.incidents.still_firing(incident.id)


async def test_an_incident_fires_until_each_of_its_alerts_is_resolved(stores: Stores) -> None:
    incident = await opened(stores)
    await stores.incidents.admit(a_signal(alert="alert-b"), an_incident(), hold=HOLD)

    await stores.incidents.resolve(a_signal(alert="alert-a", firing=False, after=MINUTE))
    assert await stores.incidents.still_firing(incident.id)
    await stores.incidents.resolve(a_signal(alert="alert-b", firing=False, after=MINUTE))
    assert not await stores.incidents.still_firing(incident.id)


async def test_an_alert_that_fires_again_after_its_resolution_is_firing(stores: Stores) -> None:
    incident = await opened(stores)
    await stores.incidents.resolve(a_signal(firing=False, after=MINUTE))

    await stores.incidents.admit(a_signal(after=2 * MINUTE), an_incident(), hold=HOLD)

    assert await stores.incidents.still_firing(incident.id)


async def test_an_old_resolution_does_not_silence_an_alert_that_fired_since(stores: Stores) -> None:
    incident = await opened(stores)
    await stores.incidents.admit(a_signal(after=2 * MINUTE), an_incident(), hold=HOLD)

    assert await stores.incidents.resolve(a_signal(firing=False, after=MINUTE)) == []
    assert await stores.incidents.still_firing(incident.id)


async def test_a_firing_admitted_after_its_own_resolution_came_in_is_not_firing(stores: Stores) -> None:
    firing, resolution = a_signal(), a_signal(firing=False, after=MINUTE)
    await stores.signals.accept([firing, resolution])
    assert await stores.incidents.resolve(resolution) == []

    admission = await stores.incidents.admit(firing, an_incident(), hold=HOLD)

    assert not await stores.incidents.still_firing(admission.incident.id)


async def test_a_resolution_after_the_end_is_noted_once_and_wakes_nothing(stores: Stores) -> None:
    incident = await opened(stores)
    await closed(stores.incidents, incident, at=MINUTE)
    assert await stores.incidents.still_firing(incident.id)

    for minutes in (2, 3):
        assert await stores.incidents.resolve(a_signal(firing=False, after=minutes * MINUTE)) == []

    assert not await stores.incidents.still_firing(incident.id)
    noted = await stores.incidents.events(incident.id, kinds=[EventKind.RESOLVED])
    assert [event.at for event in noted] == [NOON + 2 * MINUTE]


async def test_a_late_old_resolution_does_not_silence_a_closed_incident_whose_alert_fired_since(
    stores: Stores,
) -> None:
    incident = await opened(stores)
    await closed(stores.incidents, incident, at=MINUTE)

    await stores.incidents.resolve(a_signal(firing=False, after=-MINUTE))

    assert await stores.incidents.still_firing(incident.id)


async def test_an_event_is_appended_with_its_phase(stores: Stores) -> None:
    incident = await opened(stores)
    event = an_event(incident.id, "diagnosis", EventKind.DIAGNOSED)

    await stores.incidents.append(event, phase=Phase.INVESTIGATION)

    kept = (await stores.incidents.events(incident.id))[-1]
    assert replace(kept, seq=0) == replace(event, phase=Phase.INVESTIGATION)
    moved = await stores.incidents.get(incident.id)
    assert moved is not None
    assert moved.phase is Phase.INVESTIGATION


async def test_an_event_with_a_known_key_changes_nothing(stores: Stores) -> None:
    incident = await opened(stores)
    await stores.incidents.append(an_event(incident.id, "once"))
    before = await stores.incidents.events()

    await stores.incidents.append(
        replace(an_event(incident.id, "once"), body={"other": True}), phase=Phase.INVESTIGATION
    )

    assert await stores.incidents.events() == before
    assert await stores.incidents.get(incident.id) == incident


async def test_the_same_key_on_two_incidents_is_two_events(stores: Stores) -> None:
    first = await opened(stores)
    second = await opened(stores, an_incident("print-b"), alert="alert-b")

    for incident in (first, second):
        await stores.incidents.append(an_event(incident.id, "plan"))

    told = [event.incident for event in await stores.incidents.events() if event.key == "plan"]
    assert told == [first.id, second.id]


async def test_a_phase_that_may_not_follow_is_refused_and_its_event_not_kept(stores: Stores) -> None:
    incident = await opened(stores)

    with pytest.raises(TransitionRefused, match="triage"):
        await stores.incidents.append(an_event(incident.id, "leap"), phase=Phase.VERIFICATION)

    assert await stores.incidents.get(incident.id) == incident
    assert [event.key for event in await stores.incidents.events() if event.key == "leap"] == []


async def test_an_incident_cannot_be_closed_by_moving_it(stores: Stores) -> None:
    incident = await opened(stores)

    with pytest.raises(TransitionRefused):
        await stores.incidents.append(an_event(incident.id, "end"), phase=Phase.CLOSED)


async def test_an_event_of_an_unknown_incident_is_refused(stores: Stores) -> None:
    with pytest.raises(UnknownName, match="inc-nowhere"):
        await stores.incidents.append(an_event(IncidentId("inc-nowhere"), "a"))
    assert await stores.incidents.get(IncidentId("inc-nowhere")) is None


async def test_a_refused_event_harms_none_that_is_written_at_the_same_time(stores: Stores) -> None:
    incident = await opened(stores)
    nowhere = an_event(IncidentId("nobody"), "lost")
    events = [an_event(incident.id, f"e-{number}") for number in range(5)]

    ends = await asyncio.gather(
        *(stores.incidents.append(event) for event in (*events[:2], nowhere, *events[2:])), return_exceptions=True
    )

    assert [type(end) for end in ends if end is not None] == [UnknownName]
    kept = await stores.incidents.events(incident.id, kinds=[EventKind.OBSERVED])
    assert {event.key for event in kept} == {event.key for event in events}


async def test_closing_keeps_ending_reason_and_time(stores: Stores) -> None:
    incident = await opened(stores)

    await closed(stores.incidents, incident, ending=Ending.ESCALATED, at=MINUTE)

    end = await stores.incidents.get(incident.id)
    assert end == replace(
        incident, phase=Phase.CLOSED, ending=Ending.ESCALATED, reason="it is over", closed_at=NOON + MINUTE
    )
    last = (await stores.incidents.events(incident.id))[-1]
    assert (last.kind, last.body) == (EventKind.CLOSED, {"ending": "escalated", "reason": "it is over"})
    assert await stores.incidents.open_fingerprint(incident.fingerprint) is None


async def test_closing_a_closed_incident_changes_nothing(stores: Stores) -> None:
    incident = await opened(stores)
    await closed(stores.incidents, incident, at=MINUTE)
    end, told = await stores.incidents.get(incident.id), await stores.incidents.events()

    await stores.incidents.close(incident.id, ending=Ending.FAILED, reason="late", at=NOON + 2 * MINUTE)

    assert await stores.incidents.get(incident.id) == end
    assert await stores.incidents.events() == told


async def test_an_incident_cannot_close_before_what_it_was_worth_and_taught_is_kept(stores: Stores) -> None:
    incident = await opened(stores)

    with pytest.raises(TransitionRefused):
        await stores.incidents.close(incident.id, ending=Ending.HEALED, reason="", at=NOON)

    assert await stores.incidents.get(incident.id) == incident


async def test_a_closed_incident_still_takes_events(stores: Stores) -> None:
    incident = await opened(stores)
    await closed(stores.incidents, incident, at=MINUTE)

    await stores.incidents.append(an_event(incident.id, "told-later", EventKind.NOTIFIED))

    assert (await stores.incidents.events(incident.id))[-1].key == "told-later"


async def test_events_are_read_on_from_a_number_by_kind_and_by_incident(stores: Stores) -> None:
    first = await opened(stores)
    second = await opened(stores, an_incident("print-b"), alert="alert-b")
    for number in range(4):
        await stores.incidents.append(an_event(first.id, f"e{number}"))

    everything = await stores.incidents.events()
    assert [event.seq for event in everything] == sorted({event.seq for event in everything})
    assert await stores.incidents.events(after=everything[2].seq) == everything[3:]
    assert await stores.incidents.events(limit=2) == everything[:2]
    assert len(await stores.incidents.events(second.id)) == 1
    assert len(await stores.incidents.events(kinds=[EventKind.RECEIVED])) == 2


async def test_the_number_of_the_newest_event_is_where_a_reader_goes_on(stores: Stores) -> None:
    assert await stores.incidents.last_seq() == 0
    incident = await opened(stores)
    seq = await stores.incidents.last_seq()
    await stores.incidents.append(an_event(incident.id, "seen"))

    assert [event.key for event in await stores.incidents.events(after=seq)] == ["seen"]
    assert await stores.incidents.last_seq() > seq


async def test_events_of_several_incidents_are_read_at_once(stores: Stores) -> None:
    first = await opened(stores)
    second = await opened(stores, an_incident("print-b"), alert="alert-b")
    for incident, key in ((first, "1"), (second, "2"), (first, "3")):
        await stores.incidents.append(an_event(incident.id, key))
    unknown = IncidentId("inc-none")

    found = await stores.incidents.events_of([first.id, second.id, unknown], kinds=(EventKind.OBSERVED,))

    keys = {incident: [event.key for event in events] for incident, events in found.items()}
    assert keys == {first.id: ["1", "3"], second.id: ["2"], unknown: []}
    assert await stores.incidents.events_of([], kinds=(EventKind.OBSERVED,)) == {}


async def test_a_reader_that_reads_on_from_the_last_number_misses_no_event(stores: Stores) -> None:
    incidents = [await opened(stores, an_incident(f"p{n}"), alert=f"a{n}") for n in range(5)]
    wanted = 5 + 5 * 20
    seen: list[int] = []

    async def write(incident: Incident) -> None:
        for number in range(20):
            await stores.incidents.append(an_event(incident.id, f"e{number}"))

    async def follow() -> None:
        while len(seen) < wanted:
            seen.extend(event.seq for event in await stores.incidents.events(after=seen[-1] if seen else 0))
            await asyncio.sleep(0)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(follow())
        for incident in incidents:
            group.create_task(write(incident))

    assert seen == [event.seq for event in await stores.incidents.events()]


async def test_incidents_are_listed_newest_first_and_by_page(stores: Stores) -> None:
    made = [await opened(stores, an_incident(f"p{n}", opened_at=NOON + n * MINUTE), alert=f"a{n}") for n in range(5)]

    assert await stores.incidents.find(IncidentFilter()) == made[::-1]
    assert await stores.incidents.find(IncidentFilter(limit=2, offset=1)) == [made[3], made[2]]
    assert await stores.incidents.count(IncidentFilter(limit=2)) == 5


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (IncidentFilter(), {"checkout", "100%_sure", "ledger"}),
        (IncidentFilter(open_only=True), {"checkout", "100%_sure"}),
        (IncidentFilter(ending=Ending.HEALED), {"ledger"}),
        (IncidentFilter(ending=Ending.FAILED), set()),
        (IncidentFilter(namespace="pay"), {"ledger", "100%_sure"}),
        (IncidentFilter(text="CHECK"), {"checkout"}),
        (IncidentFilter(text="0%_s"), {"100%_sure"}),
        (IncidentFilter(text="k%o"), set()),
        (IncidentFilter(text="is over"), {"ledger"}),
        (IncidentFilter(since=NOON + MINUTE), {"ledger"}),
        (IncidentFilter(open_only=True, namespace="pay"), {"100%_sure"}),
        (IncidentFilter(phase=Phase.TRIAGE), {"checkout", "100%_sure"}),
        (IncidentFilter(phase=Phase.APPROVAL), set()),
        (IncidentFilter(alert="KubePodNotReady", namespace="shop"), {"checkout"}),
        (IncidentFilter(alert="kubepodnotready"), set()),
    ],
)
async def test_incidents_are_found_by_state_place_text_and_time(
    stores: Stores, wanted: IncidentFilter, names: set[str]
) -> None:
    await opened(stores, an_incident("a", name="checkout"), alert="a")
    await opened(stores, an_incident("b", namespace="pay", name="100%_sure"), alert="b")
    late = await opened(stores, an_incident("c", namespace="pay", name="ledger", opened_at=NOON + MINUTE), alert="c")
    await closed(stores.incidents, late, at=2 * MINUTE)

    assert {incident.target.name for incident in await stores.incidents.find(wanted)} == names
    assert await stores.incidents.count(wanted) == len(names)


async def test_an_incident_is_found_by_the_cause_that_its_last_look_found(stores: Stores) -> None:
    incident = await opened(stores)
    assert await stores.incidents.find(IncidentFilter(cause="volume_full")) == []

    for number, cause in enumerate(("volume_full", "crash_after_change")):
        body: JsonObject = {"diagnosis": {"hypotheses": [{"cause": cause}, {"cause": "no_memory"}]}}
        await stores.incidents.append(Event(incident.id, f"look-{number}", EventKind.DIAGNOSED, NOON, body))

    found = await stores.incidents.find(IncidentFilter(cause="crash_after_change"))
    assert [one.id for one in found] == [incident.id]
    assert await stores.incidents.count(IncidentFilter(cause="volume_full")) == 0
    assert await stores.incidents.count(IncidentFilter(cause="no_memory")) == 0


async def test_a_look_that_found_nothing_takes_the_cause_away(stores: Stores) -> None:
    incident = await opened(stores)
    for number, hypotheses in enumerate(([{"cause": "volume_full"}], [])):
        body: JsonObject = {"diagnosis": {"hypotheses": hypotheses}}
        await stores.incidents.append(Event(incident.id, f"look-{number}", EventKind.DIAGNOSED, NOON, body))

    assert await stores.incidents.find(IncidentFilter(cause="volume_full")) == []


async def test_moving_and_closing_an_incident_keeps_its_cause(stores: Stores) -> None:
    incident = await opened(stores)
    body: JsonObject = {"diagnosis": {"hypotheses": [{"cause": "volume_full"}]}}
    await stores.incidents.append(Event(incident.id, "look", EventKind.DIAGNOSED, NOON, body))

    await closed(stores.incidents, incident, at=MINUTE)

    assert await stores.incidents.count(IncidentFilter(cause="volume_full", ending=Ending.HEALED)) == 1


async def test_the_start_of_an_id_finds_it_to_the_letter(stores: Stores) -> None:
    incident = await opened(stores)
    for start, found in (
        (incident.id[:6], 1),
        (incident.id, 1),
        (incident.id[1:], 0),
        (incident.id.upper(), 0),
        ("inc_", 0),
        ("%", 0),
    ):
        assert await stores.incidents.count(IncidentFilter(id_prefix=start)) == found, start


async def test_an_object_name_with_a_null_character_is_kept(stores: Stores) -> None:
    incident = await opened(stores, an_incident("p\x00", namespace="a\x00b", name="n\x00"))

    assert await stores.incidents.get(incident.id) == incident
    assert await stores.incidents.open_fingerprint(incident.fingerprint) == incident
    assert await stores.incidents.find(IncidentFilter(namespace="a\x00b")) == [incident]


async def test_what_touched_an_object_is_found_across_incidents(stores: Stores) -> None:
    incident = await opened(stores)
    touched = replace(an_event(incident.id, "applied-1", EventKind.APPLIED), about="shop/deployment/cart")
    await stores.incidents.append(touched)
    await stores.incidents.append(replace(touched, key="applied-2", about="shop/deployment/other"))
    await stores.incidents.append(replace(touched, key="seen", kind=EventKind.OBSERVED))
    wanted = (EventKind.APPLIED, EventKind.UNDONE)

    found = await stores.incidents.events_about(["shop/deployment/cart"], since=NOON - MINUTE, kinds=wanted)

    assert [event.key for event in found] == ["applied-1"]
    assert await stores.incidents.events_about(["shop/deployment/cart"], since=NOON + MINUTE, kinds=wanted) == []
    assert await stores.incidents.events_about([""], since=NOON - MINUTE, kinds=wanted) == []


async def test_an_alert_leads_to_the_newest_incident_that_it_belongs_to(stores: Stores) -> None:
    first = await opened(stores)
    key = a_signal(alert="alert-a").alert_key
    assert await stores.incidents.of_alert(key) == first
    await closed(stores.incidents, first, at=MINUTE)
    later = replace(a_signal(alert="alert-a"), received_at=NOON + HOLD * 3)
    candidate = replace(an_incident(), opened_at=NOON + HOLD * 3)

    second = (await stores.incidents.admit(later, candidate, hold=HOLD)).incident

    assert await stores.incidents.of_alert(key) == second != first
    assert await stores.incidents.of_alert(a_signal(alert="alert-b").alert_key) is None


async def test_incidents_are_found_by_the_guard_that_decided_last(stores: Stores) -> None:
    incident = await opened(stores)
    await stores.incidents.append(an_event(incident.id, "planned-1", EventKind.PLANNED), guard="storm")
    assert [each.id for each in await stores.incidents.find(IncidentFilter(guard="storm"))] == [incident.id]

    await stores.incidents.append(an_event(incident.id, "planned-2", EventKind.PLANNED), guard="allowed")
    assert await stores.incidents.count(IncidentFilter(guard="storm")) == 0
    assert await stores.incidents.count(IncidentFilter(guard="allowed")) == 1


async def test_an_event_that_was_told_before_changes_no_guard(stores: Stores) -> None:
    incident = await opened(stores)
    await stores.incidents.append(an_event(incident.id, "planned-1"), guard="storm")
    await stores.incidents.append(an_event(incident.id, "planned-1"), guard="allowed")
    found = await stores.incidents.get(incident.id)
    assert found is not None
    assert found.guard == "storm"


async def test_closing_names_its_guard_and_keeps_the_last_one_where_it_has_none(stores: Stores) -> None:
    incident = await opened(stores)
    await stores.incidents.append(an_event(incident.id, "planned-1"), guard="allowed")
    await closed(stores.incidents, incident, at=MINUTE)
    found = await stores.incidents.get(incident.id)
    assert found is not None
    assert found.guard == "allowed"

    other = await opened(stores, an_incident("print-b"), alert="alert-b")
    for phase in (Phase.IMPACT, Phase.LEARNING):
        await stores.incidents.append(an_event(other.id, f"to-{phase}"), phase=phase)
    await stores.incidents.close(other.id, ending=Ending.DECLINED, reason="no", at=NOON, guard="rejected")
    assert [each.id for each in await stores.incidents.find(IncidentFilter(guard="rejected"))] == [other.id]


async def test_what_was_done_to_any_object_is_found_by_its_time_and_kind(stores: Stores) -> None:
    incident = await opened(stores)
    for key, kind, about, at in (
        ("old", EventKind.APPLIED, "a", NOON - MINUTE),
        ("first", EventKind.APPLIED, "a", NOON),
        ("about-nothing", EventKind.APPLIED, "", NOON),
        ("other-kind", EventKind.UNDONE, "b", NOON),
        ("second", EventKind.PLANNED, "b", NOON + MINUTE),
    ):
        await stores.incidents.append(Event(incident.id, key, kind, at, {}, about=about))
    found = await stores.incidents.acts_since(NOON, kinds=(EventKind.APPLIED, EventKind.PLANNED))
    assert [each.key for each in found] == ["first", "second"]
