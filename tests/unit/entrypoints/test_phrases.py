"""Events in words."""

import pytest

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.entrypoints.phrases import phrase
from tests.told import NOON

HOLMES: JsonObject = {"provider": "holmes", "failure": "prose", "said": "The pool is exhausted."}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"ok": True, "provider": "b:y", "calls": [{"provider": "a:x", "failure": "hang"}], "tokens": 120},
            "b:y answered after a:x failed, 120 tokens",
        ),
        ({"ok": True, "provider": "b:y", "lookups": 2, "tokens": 1}, "b:y answered, 2 lookups, 1 token"),
        (
            {"ok": False, "calls": [HOLMES], "error": "words alone"},
            "model did not answer usably (words alone), holmes says: “The pool is exhausted.”; the rules decide",
        ),
        (
            {"ok": True, "provider": "b:y", "calls": [HOLMES, {"provider": "b:y"}], "tokens": 9},
            "b:y answered after holmes failed, 9 tokens, holmes says: “The pool is exhausted.”",
        ),
    ],
)
def test_it_is_told_who_answered_what_it_took_and_what_was_only_said(body: dict[str, Json], said: str) -> None:
    assert phrase(Event(IncidentId("inc-1"), "k", EventKind.MODEL_ASKED, NOON, body)) == said
