from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kubernaut.domain.chain import Checked, Recorded, check, digest, link

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def log_of(count: int) -> list[Recorded]:
    head, log = "", []
    for number in range(1, count + 1):
        at = NOON + timedelta(seconds=number)
        bare = Recorded(
            number * 2, f"inc-{number % 3}", f"key-{number}", "observed", at, "", "", f'{{"n":{number}}}', ""
        )
        head = link(head, bare.digest)
        log.append(replace(bare, hash=head))
    return log


LOG = log_of(30)
PLACE = st.integers(0, len(LOG) - 1)


def test_a_log_as_it_was_appended_is_whole() -> None:
    found = check(LOG)

    assert (found.is_whole, found.events, found.last_seq, found.head) == (True, 30, 60, LOG[-1].hash)


def test_an_empty_log_is_whole_and_has_no_head() -> None:
    assert check([]) == Checked(passed_head=True)


@given(PLACE, st.sampled_from(["incident", "key", "kind", "about", "phase", "body"]), TEXT)
def test_a_changed_field_is_found_at_its_event(place: int, field: str, text: str) -> None:
    changed = replace(LOG[place], **{field: text})
    assume(changed != LOG[place])

    found = check([*LOG[:place], changed, *LOG[place + 1 :]])

    assert found.broken is not None
    assert found.broken.event == changed
    assert found.events == place


@given(PLACE, st.timedeltas(timedelta(microseconds=1), timedelta(days=1)))
def test_a_changed_time_is_found_to_the_microsecond(place: int, by: timedelta) -> None:
    changed = replace(LOG[place], at=LOG[place].at + by)

    assert not check([*LOG[:place], changed, *LOG[place + 1 :]]).is_whole


@given(st.integers(0, len(LOG) - 2), st.integers(1, 5))
def test_missing_events_are_found_where_the_next_one_stands(place: int, many: int) -> None:
    rest = LOG[place + many :]
    assume(rest)

    found = check([*LOG[:place], *rest])

    assert found.broken is not None
    assert found.broken.event == rest[0]


@given(PLACE, TEXT)
def test_an_inserted_event_is_found_whatever_hash_it_claims(place: int, body: str) -> None:
    foreign = replace(LOG[place], key="foreign", body=body)
    claims = link(LOG[place - 1].hash if place else "", foreign.digest)

    for inserted in (foreign, replace(foreign, hash=""), replace(foreign, hash=claims)):
        assert not check([*LOG[:place], inserted, *LOG[place:]]).is_whole


@given(st.permutations(LOG))
def test_a_re_ordered_log_is_found(other: list[Recorded]) -> None:
    assume(other != LOG)

    found = check(other)

    assert found.broken is not None
    assert found.broken.event != LOG[found.events]


@given(st.integers(0, len(LOG) - 1))
def test_a_cut_off_end_is_known_only_from_a_head_that_was_noted(kept: int) -> None:
    noted = LOG[-1].hash
    shorter = LOG[:kept]

    assert check(shorter).is_whole
    assert not check(shorter, expected_head=noted).passed_head
    assert check(LOG, expected_head=noted).passed_head


@given(PLACE)
def test_a_log_that_has_grown_still_goes_through_an_older_head(place: int) -> None:
    assert check(LOG, expected_head=LOG[place].hash[:12]).passed_head


def test_a_log_that_was_calculated_anew_does_not_go_through_the_noted_head() -> None:
    head, forged = "", []
    for event in LOG[:10] + LOG[11:]:
        head = link(head, event.digest)
        forged.append(replace(event, hash=head))

    assert check(forged).is_whole
    assert not check(forged, expected_head=LOG[20].hash).passed_head


@given(PLACE)
def test_a_walk_in_pages_finds_what_one_walk_finds(at: int) -> None:
    first = check(LOG[:at], expected_head=LOG[3].hash)

    assert check(LOG[at:], expected_head=LOG[3].hash, since=first) == check(LOG, expected_head=LOG[3].hash)


@pytest.mark.parametrize("noted", ["", "a", LOG[0].hash[:11]])
def test_a_noted_head_that_is_too_short_proves_nothing(noted: str) -> None:
    assert check(LOG, expected_head=noted).passed_head is (noted == "")


@given(st.lists(TEXT, min_size=6, max_size=6), st.lists(TEXT, min_size=6, max_size=6))
def test_no_two_events_share_a_digest(one: list[str], other: list[str]) -> None:
    assume(one != other)

    def of(fields: list[str]) -> str:
        incident, key, kind, about, phase, body = fields
        return digest(incident, key, kind, NOON, about, phase, body)

    assert of(one) != of(other)
