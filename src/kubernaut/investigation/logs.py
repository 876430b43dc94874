"""The lines of a log that say what went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubernaut.domain.objects import ObjectRef

MOST_LINES = 3

_FATAL = re.compile(
    r"(?i)\bpanic\b|\bfatal\b|\bcritical\b|traceback|^\s*[\w.]+(?:error|exception)\b\s*:"
    r"|caused by:|unknown (?:flag|option|argument|command)|unrecognized (?:option|argument)"
    r"|flag provided but not defined"
    r"|exec format error|address already in use|segmentation fault|core dumped|out of memory|outofmemory"
)
_ERROR = re.compile(
    r"(?i)\berrors?\b|\berr=|\w(?:Error|Exception)\b|\bexception\b|\bfail(?:ed|ure|s)?\b|\bdenied\b|\brefused\b"
    r"|no such (?:file|host)|not found|timed? ?out|\bcannot\b|\bcould not\b|\bunable to\b|\binvalid\b"
    r"|\bmissing\b|is required|is not set|unauthorized|\busage:"
    r"|no space left|incompatible|not authorized|\bforbidden\b|x509|certificate|read-only file|\bEACCES\b|\bENOSPC\b"
    r"|\bNOAUTH\b|\bWRONGPASS\b|\bENOTFOUND\b|\bEAI_AGAIN\b|resolve host|name resolution|insecure transport"
    r"|too many (?:clients|connections)|read-only transaction|no healthy upstream|upstream connect"
)
# Lines that only mention the words: "0 errors", "error=nil", "errors: 0", "no failures".
_HARMLESS = re.compile(
    r"(?i)\b(?:0|no|zero|without(?: any)?) (?:\w+ )?(?:error|fail|exception|warning)\w*"
    r"|\b\w*(?:error|err|fail|failed|failure|exception)s?(?:_count|_total|_rate)?\"?"
    r"\s*[=:]\s*\"?(?:0(?:\.0+)?|nil|null|none|false|<nil>|\"\")(?![\w.])"
)
_CALM = re.compile(
    r"(?i)\blevel\"?\s*[=:]\s*\"?(?:info|debug|trace)\b|^\s*\[?(?:info|debug|trace)\b|\s(?:INFO|DEBUG|TRACE)\s|^I\d{4} "
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A decisive line; `number` counts from 1 in the part that was read."""

    pod: ObjectRef
    container: str
    previous: bool
    number: int
    text: str


def decisive_lines(text: str, pod: ObjectRef, container: str, *, previous: bool) -> tuple[LogLine, ...]:
    """The lines that name the failure, weightiest first; the very last line where none does."""
    ranked: list[tuple[int, int, str]] = []
    last: tuple[int, str] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw[:4000]
        if not line.strip():
            continue
        last = (number, raw)
        weight = _weight(line)
        if weight:
            ranked.append((weight, number, raw))
    ranked.sort(key=lambda entry: (-entry[0], -entry[1]))
    chosen = [(number, raw) for _, number, raw in _distinct(ranked)]
    if not chosen and last and previous:
        chosen = [last]
    return tuple(LogLine(pod, container, previous, number, raw) for number, raw in chosen)


def _distinct(ranked: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The best few, each wording once: a retry loop repeats itself with other times and numbers."""
    seen: set[str] = set()
    kept: list[tuple[int, int, str]] = []
    for entry in ranked:
        wording = re.sub(r"[\d:.\-TZ]+", "", entry[2][:400])
        if wording in seen:
            continue
        seen.add(wording)
        kept.append(entry)
        if len(kept) == MOST_LINES:
            break
    return kept


def _weight(line: str) -> int:
    told = _HARMLESS.sub(" ", line)
    if re.match(r"\s*Traceback \(most recent call last\)", told):
        return 0  # the last line of a traceback says it, the first does not
    calm = _CALM.search(told) is not None
    if _FATAL.search(told):
        return 1 if calm else 3
    if _ERROR.search(told):
        return 0 if calm else 2
    return 0
