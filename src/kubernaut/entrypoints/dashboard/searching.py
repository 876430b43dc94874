"""What people type into the search box: words, and `status:`, `ns:`, `since:` in any order."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import IncidentFilter

PAGE = 25
_LONGEST = 200
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def filter_of(typed: str, *, now: datetime, offset: int = 0) -> tuple[IncidentFilter, str]:
    """The filter, and what in it was not understood (then it is searched for as a word)."""
    ending: Ending | None = None
    open_only = False
    namespace, since, words, odd = "", None, [], ""
    for token in typed[:_LONGEST].split():
        key, _, value = token.partition(":")
        match key, value:
            case "status", "open":
                open_only = True
            case "status", _ if _ending(value):
                ending = _ending(value)
            case "ns", _ if value:
                namespace = value
            case "since", _ if _span(value):
                since = now - (_span(value) or timedelta())
            case "status" | "since", _:
                odd = token
                words.append(token)
            case _:
                words.append(token)
    wanted = IncidentFilter(open_only, ending, namespace, " ".join(words), since, PAGE, offset)
    return wanted, odd


def _ending(word: str) -> Ending | None:
    name = word.lower().replace("-", "_")
    return Ending(name) if name in set(Ending) else None


def _span(text: str) -> timedelta | None:
    found = re.fullmatch(r"(\d{1,4})([mhd])", text)
    return int(found[1]) * _UNITS[found[2]] if found else None
