"""The chapters after the demo's scenarios, from stored events alone."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.chapters import Deciding, deciding, learning_chapter, models_chapter
from tests.told import NOON

ID = IncidentId("inc-1")


def event(kind: EventKind, seconds: float, body: JsonObject, seq: int) -> Event:
    return Event(ID, f"{kind}-{seq}", kind, NOON + timedelta(seconds=seconds), body, seq=seq)


def asked(provider: str, *calls: JsonObject, ok: bool = True, kept: bool = False) -> Event:
    body: JsonObject = {
        "ok": ok, "kept": kept, "provider": provider, "tokens": 660, "requests": len(calls), "calls": [*calls]
    }  # fmt: skip
    return event(EventKind.MODEL_ASKED, 1, body, 2)


def test_models_are_counted_by_who_answered_and_who_was_passed_over() -> None:
    switch: JsonObject = {"provider": "backup", "failure": "", "switch_s": 0.16}
    died: JsonObject = {"provider": "local", "failure": "refused"}
    fine: JsonObject = {"provider": "local", "failure": "", "switch_s": 0}
    told = [asked("local", fine), asked("local", fine), asked("backup", died, switch), asked("local", kept=True)]
    lines = models_chapter(told, decided=4, opened=4).lines
    assert lines == (
        "backup answered 1 time",
        "local answered 2 times",
        "local failed 1 time and was passed over",
        "the switch to the next one took 160 ms, median (n = 1), real time",
        "4 of 4 incidents decided, whoever was alive",
    )


def test_the_time_of_a_first_look_is_told_in_real_seconds_with_who_decided() -> None:
    events = [
        event(EventKind.RECEIVED, 0, {}, 1),
        asked("local", {"provider": "local", "failure": ""}),
        event(EventKind.DIAGNOSED, 30, {"diagnosis": {"decided_by": "rules"}, "took_s": 30}, 3),
        event(EventKind.DIAGNOSED, 60, {"diagnosis": {"decided_by": "rules"}, "took_s": 90}, 4),
    ]
    assert deciding(events, speed=60) == Deciding(0.5, 660, "a model")
    remembered = event(EventKind.DIAGNOSED, 3, {"diagnosis": {"decided_by": "memory"}, "took_s": 3}, 2)
    assert deciding([events[0], remembered], speed=60) == Deciding(0.05, 0, "memory")
    assert deciding(events[:1], speed=60) is None


def test_both_times_are_told_as_measured_even_where_the_second_is_no_faster() -> None:
    chapter = learning_chapter({"image-tag-missing": (Deciding(0.4, 660, "a model"), Deciding(0.5, 0, "memory"))})
    [line] = chapter.lines
    assert "the cause was found the first time in 0.4 s by a model (660 tokens)" in line
    assert "the second time in 0.5 s by memory (0 tokens)" in line
    assert "not measured" in learning_chapter({"x": (None, Deciding(0.5, 0, "memory"))}).lines[0]
    assert learning_chapter({}).lines == ("nothing came twice",)
