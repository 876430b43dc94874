"""What is looked for in the list of incidents: fields of the address, and words that people type, in any order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import IncidentFilter

PAGE = 25
_LONGEST = 200
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Search:
    """What stands in the address. A field wins over the same filter among the words."""

    typed: str = ""
    ending: str = ""
    namespace: str = ""
    cause: str = ""
    alert: str = ""
    since: str = ""
    offset: int = 0

    @property
    def is_narrow(self) -> bool:
        """Whether anything restricts the list."""
        return self != Search(offset=self.offset)

    @property
    def has_fields(self) -> bool:
        """Whether more than words restricts it."""
        return self != Search(typed=self.typed, offset=self.offset)

    def query(self, offset: int = 0) -> str:
        """The same as part of an address, empty fields left out."""
        fields = {
            "q": self.typed,
            "ending": self.ending,
            "namespace": self.namespace,
            "cause": self.cause,
            "alert": self.alert,
            "since": self.since,
            "offset": str(offset) if offset else "",
        }
        return urlencode({name: value for name, value in fields.items() if value})


def search_of(params: Mapping[str, str]) -> Search:
    """What the address asks for; an offset that is no number starts at the newest."""
    offset = params.get("offset", "0")
    is_number = offset.isascii() and offset.isdigit() and len(offset) < 8  # noqa: PLR2004
    ending = "open" if params.get("open") in {"1", "true"} else params.get("ending", "")
    return Search(
        typed=params.get("q", "")[:_LONGEST],
        ending=ending[:_LONGEST],
        namespace=params.get("namespace", "")[:_LONGEST],
        cause=params.get("cause", "")[:_LONGEST],
        alert=params.get("alert", "")[:_LONGEST],
        since=params.get("since", "")[:_LONGEST],
        offset=int(offset) if is_number else 0,
    )


def filter_of(search: Search, *, now: datetime) -> tuple[IncidentFilter, str]:
    """The filter, and what in it was not understood (then it is searched for as a word)."""
    wanted, words, odd = IncidentFilter(limit=PAGE, offset=search.offset), [], ""
    tokens = search.typed.split()
    fields = {
        "status": search.ending,
        "ns": search.namespace,
        "cause": search.cause,
        "alert": search.alert,
        "since": search.since,
    }
    for key, value, token in [
        *((*token.partition(":")[::2], token) for token in tokens),
        *((key, value, f"{key}:{value}") for key, value in fields.items() if value),
    ]:
        narrowed = _narrowed(wanted, key, value, now)
        if narrowed is not None:
            wanted = narrowed
            continue
        words.append(token)
        odd = token if key in {"status", "since"} and ":" in token else odd
    return replace(wanted, text=" ".join(words)), odd


def _narrowed(wanted: IncidentFilter, key: str, value: str, now: datetime) -> IncidentFilter | None:
    """The filter with one more condition; None where this is none."""
    narrowed = None
    match key, value:
        case "status", "open":
            narrowed = replace(wanted, open_only=True, ending=None)
        case "status", _ if ending := _ending(value):
            narrowed = replace(wanted, ending=ending, open_only=False)
        case "ns", _ if value:
            narrowed = replace(wanted, namespace=value)
        case "cause", _ if value:
            narrowed = replace(wanted, cause=value)
        case "alert", _ if value:
            narrowed = replace(wanted, alert=value)
        case "since", _ if span := _span(value):
            narrowed = replace(wanted, since=now - span)
        case _:
            pass
    return narrowed


def _ending(word: str) -> Ending | None:
    name = word.lower().replace("-", "_")
    return Ending(name) if name in set(Ending) else None


def _span(text: str) -> timedelta | None:
    found = re.fullmatch(r"([0-9]{1,4})([mhd])", text)
    return int(found[1]) * _UNITS[found[2]] if found else None
