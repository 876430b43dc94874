from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.investigation import logs
from kubernaut.investigation.logs import TROUBLE, decisive_lines
from tests.objects import pod

REF = pod("checkout-x2x4b").ref


def lines(text: str) -> list[str]:
    return [line.text for line in decisive_lines(text, REF, "app", previous=False)]


@pytest.mark.parametrize(
    "line",
    [
        "flag provided but not defined: -cache-ttl",
        "shop: error: unrecognized arguments: --x",
        "panic: runtime error: invalid memory address or nil pointer dereference",
        "ValueError: CACHE_TTL is not set",
        'level=error msg="dial tcp: lookup ledger: no such host"',
        '{"level":"fatal","msg":"config file not found"}',
        "/bin/sh: shopd: not found",
        "exec /usr/bin/shop: exec format error",
        "E1122 14:00:00.000000 1 main.go:12] failed to listen: address already in use",
    ],
)
def test_a_line_that_names_the_failure_is_kept(line: str) -> None:
    assert lines(f"starting\n{line}\n") == [line]


@pytest.mark.parametrize(
    "line",
    [
        "checked 12 files, 0 errors",
        "done without errors",
        'level=info msg="error handling enabled"',
        '{"level":"info","errors":0,"failed":0}',
        "request finished err=nil",
        "no failures found",
        "errors_total: 0",
    ],
)
def test_a_line_that_only_mentions_the_words_is_not(line: str) -> None:
    assert lines(line) == []


def test_the_weightiest_come_first_and_a_repeated_one_once() -> None:
    text = "10:00 error: retry 1\n10:01 error: retry 2\nfatal: gave up\nbye\n"
    assert lines(text) == ["fatal: gave up", "10:01 error: retry 2"]


def test_of_a_traceback_the_last_line_is_kept() -> None:
    text = "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'REGION'\n"
    assert lines(text)[0] == "KeyError: 'REGION'"


def test_of_a_run_that_ended_without_a_word_the_last_line_is_kept() -> None:
    found = decisive_lines("one\ntwo\n\n", REF, "app", previous=True)
    assert [(line.number, line.text) for line in found] == [(2, "two")]


@pytest.mark.parametrize("form", [logs._FATAL, logs._ERROR], ids=["fatal", "error"])
@given(data=st.data())
def test_every_line_that_a_form_finds_holds_a_word_of_trouble(form: re.Pattern[str], data: st.DataObject) -> None:
    line = data.draw(st.from_regex(form, alphabet=st.characters(codec="ascii")))
    assert any(word in line.lower() for word in TROUBLE)


def test_one_line_of_a_hundred_thousand_is_found() -> None:
    text = [f"2026-11-22T14:00:00Z level=info msg=served path=/items/{number}" for number in range(100_000)]
    text[41_000] = 'level=error msg="the licence file has expired"'
    assert lines("\n".join(text)) == [text[41_000]]


def test_what_is_complained_of_all_day_does_not_hide_what_is_new() -> None:
    routine = ["upstream timed out", "cache refused the key", "cannot send metrics", "is not found in the index"]
    text = [f"10:00:{number % 60:02} error: {routine[number % 4]} id={number}" for number in range(2000)]
    text[700] = "10:00:07 error: the licence has expired"
    assert text[700] in lines("\n".join(text))
