"""The lines of a log that say what went wrong.

One line of a hundred thousand may be the one, so a line costs next to nothing unless it holds a word of trouble. Those
that do are put together by their template, which is the line without what varies (every word with a digit in it), and
each template is weighed once. The template that is met least often has a place of its own among the chosen: what a
program complains of all day is not what is new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubernaut.domain.objects import ObjectRef

# A cause rests on one line and seldom on three; the rest is what people read logs for themselves for.
MOST_LINES = 3
# A program that writes another wording each time has no templates, and must not fill the memory with them.
_MOST_TEMPLATES = 2000
_LONGEST_TEMPLATE = 400
_LONGEST_LINE = 4000
# So many times less often than the one whose place it takes.
_RARELY = 10
_VARIES = re.compile(r"\S*\d\S*")

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
    r"|bad address\b|too many (?:clients|connections)|read-only transaction|no healthy upstream|upstream connect"
)
# In small letters, one of these is in every line that the forms above find; to look for them takes a thousandth.
TROUBLE = (
    *("err", "fail", "fatal", "panic", "critical", "traceback", "exception", "caused by:", "unknown ", "unrecognized "),
    *("flag provided", "address already", "segmentation", "core dumped", "out of memory", "outofmemory", "denied"),
    *("refused", "no such ", "not found", "timed out", "timedout", "time out", "timeout", "cannot", "could not"),
    *("unable to", "invalid", "missing", "is required", "is not set", "unauthorized", "usage:", "no space left"),
    *("incompatible", "not authorized", "forbidden", "x509", "certificate", "read-only", "eacces", "enospc", "noauth"),
    *(
        "wrongpass",
        "enotfound",
        "eai_again",
        "resolve host",
        "bad address",
        "name resolution",
        "insecure transport",
        "too many ",
    ),
    *("no healthy upstream", "upstream connect"),
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
    lines = text.splitlines()
    chosen = _chosen(_templates(lines))
    # Of a run that has ended the last words count, even where no word of trouble is in them.
    if not chosen and previous:
        chosen = next(([number] for number in range(len(lines), 0, -1) if lines[number - 1].strip()), [])
    return tuple(LogLine(pod, container, previous, number, lines[number - 1]) for number in chosen)


def are_silent(lines: Iterable[LogLine]) -> bool:
    """Whether none of the lines names a failure."""
    return not any(_weight(line.text[:_LONGEST_LINE]) for line in lines)


def _chosen(found: list[_Template]) -> list[int]:
    """The numbers of the lines that stand for the best templates, the newest of each."""
    ranked = sorted(found, key=lambda each: (-each.weight, -each.newest))
    best = ranked[:MOST_LINES]
    left = [each for each in ranked[MOST_LINES:] if each.weight == best[-1].weight]
    rarest = min([*best, *left], key=lambda each: (each.count, -each.newest), default=None)
    if rarest is not None and rarest not in best and rarest.count * _RARELY <= best[-1].count:
        best = [*best[:-1], rarest]
    return [each.newest for each in best]


@dataclass(slots=True)
class _Template:
    """Lines that differ only in what varies; `newest` is the number of the last of them."""

    newest: int
    weight: int
    count: int = 1


def _templates(lines: list[str]) -> list[_Template]:
    """The templates of the lines that name a failure, of so many different ones as there is room for."""
    known: dict[str, _Template] = {}
    for number in _troubled(lines):
        line = lines[number - 1][:_LONGEST_LINE]
        # Every word with a digit: times, ids, addresses and counts, which make alike lines different.
        wording = _VARIES.sub("", line[:_LONGEST_TEMPLATE])
        template = known.get(wording)
        if template is not None:
            template.count += 1
        elif len(known) < _MOST_TEMPLATES:
            known[wording] = _Template(number, _weight(line))
    return [each for each in known.values() if each.weight]


def _troubled(lines: list[str]) -> Iterator[int]:
    """The numbers of the lines with a word of trouble, newest first."""
    for number in range(len(lines), 0, -1):
        small = lines[number - 1].lower()
        if any(word in small for word in TROUBLE):
            yield number


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
