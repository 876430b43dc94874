"""The tables of `kubectl get`, with or without `-o wide`, `-A`, `--show-labels` and headers, as rows of named cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kubernaut.adapters.snapshot.commands import find_kind
from kubernaut.ports import Resource

_HEADING: Final = re.compile(r"\S+(?: \S+)*")
_GAP: Final = re.compile(r"\s*\t\s*|\s{2,}")
_AGO: Final = re.compile(r"(\d) \(\S{1,20} ago\)")
_IS_HEADER: Final = re.compile(r"[A-Z][A-Z0-9()%_/. -]*(?:\((?:cores|bytes|s|%)\)[A-Z0-9()%_/. -]*)*")
# Headings of one word, by which a header is known that has one space between its columns.
_SINGLE: Final = frozenset(
    {"NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "UP-TO-DATE", "AVAILABLE", "DESIRED"}
    | {"CURRENT", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "ROLES", "VERSION", "VOLUME", "CAPACITY"}
    | {"STORAGECLASS", "COMPLETIONS", "DURATION", "SCHEDULE", "SUSPEND", "ACTIVE"}
)
_NARROWEST: Final = 60
_NOTHING: Final = re.compile(r"No resources found(?: in (\S+) namespace)?\.?")
# Headers of tables that were printed without them, or lost theirs in a pipe.
_DEFAULTS: Final = {
    "pods": ("NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED NODE", "READINESS GATES"),
    "deployments": ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"),
    "replicasets": ("NAME", "DESIRED", "CURRENT", "READY", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"),
    "statefulsets": ("NAME", "READY", "AGE", "CONTAINERS", "IMAGES"),
    "nodes": ("NAME", "STATUS", "ROLES", "AGE", "VERSION"),
    "events": ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"),
    "services": ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `resource` is the kind that the line itself tells (`pod/web-1`), None where it does not."""

    cells: dict[str, str]
    resource: Resource | None = None

    def __getitem__(self, heading: str) -> str:
        """The cell, empty where there is no such column or nothing in it."""
        cell = self.cells.get(heading, "")
        return "" if cell in ("<none>", "<unset>", "<unknown>") else cell

    def number(self, heading: str) -> int | None:
        """The cell's number, None where it is none."""
        text = self[heading].partition(" ")[0]
        return int(text) if text.isdecimal() and len(text) <= 9 else None  # noqa: PLR2004  # a billion pods

    def fraction(self, heading: str) -> tuple[int, int] | None:
        """The two numbers of `2/3`."""
        match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", self[heading])
        return (int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True, slots=True)
class Table:
    """The rows under one header; `lost` counts the lines that could not be told apart into cells."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    lost: int = 0


def says_nothing_found(lines: Sequence[str]) -> bool:
    """Whether the output says that there is no such object."""
    return any(_NOTHING.fullmatch(line.strip()) for line in lines[:3])


def tables(
    lines: Sequence[str],
    kinds: Sequence[Resource],
    *,
    everywhere: bool,
    custom: Mapping[str, str] | None = None,
    labelled: bool = False,
) -> Iterator[Table]:
    """The tables of an output; `kinds` says of what, where the table itself does not.

    `custom` gives the usual names of headings that somebody chose; `labelled` where the labels were asked for.
    """
    if custom:
        return iter([_custom_table([line for line in lines if line.strip()], custom)])
    default = _default(kinds, everywhere=everywhere, labelled=labelled)
    found = list(_tables(lines, default))
    if any(table.lost for table in found) or not any(table.rows for table in found):
        again = list(_tables(_unwrapped(lines), default))
        if _quality(again) > _quality(found):
            return iter(again)
    return iter(found)


def _custom_table(lines: Sequence[str], custom: Mapping[str, str]) -> Table:
    header = next((index for index, line in enumerate(lines) if set(line.split()) == set(custom)), None)
    if header is None:
        return Table((), (), len(lines))
    found = list(re.finditer(r"\S+", lines[header]))
    chosen, starts = [match[0] for match in found], [match.start() for match in found]
    rows = [_sliced(line, starts) or line.split(None, len(chosen) - 1) for line in lines[header + 1 :]]
    whole = [
        Row({custom[name]: cell for name, cell in zip(chosen, cells, strict=True) if cell != "<none>"})
        for cells in rows
        if len(cells) == len(chosen)
    ]
    return Table(tuple(custom[name] for name in chosen), tuple(whole), len(rows) - len(whole))


def _quality(found: Sequence[Table]) -> tuple[int, int]:
    """Few lines that were lost, then many columns: a header that was wrapped has fewer."""
    return -sum(table.lost for table in found), sum(len(table.headings) for table in found if table.rows)


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """The lines as they were before a terminal of a fixed width broke them: a full one goes on in the next."""
    width = max(map(len, lines), default=0)
    whole: list[str] = []
    goes_on = False
    for line in lines:
        if goes_on:
            whole[-1] += line
        else:
            whole.append(line)
        goes_on = len(line) >= width > _NARROWEST
    return whole


def _tables(lines: Sequence[str], default: tuple[str, ...]) -> Iterator[Table]:
    part: list[str] = []
    has_header = False
    for line in [*lines, ""]:
        if line.strip() and not (part and is_header(line)):
            part.append(line.rstrip())
        elif part:
            table = _table(part, default)
            # What somebody wrote below a table takes nothing away from it.
            if table.rows or is_header(part[0]) or not has_header:
                yield table
            has_header = has_header or is_header(part[0])
            part = [line.rstrip()] if line.strip() else []


def is_header(line: str) -> bool:
    """Whether the line is the header of a table of kubectl's."""
    if "NAME" not in line and "LAST SEEN" not in line:
        return False
    words = _HEADING.findall(line)
    if len(words) == 1:
        return _is_squeezed(line)
    return len(words) > 1 and all(_IS_HEADER.fullmatch(word) for word in words) and _known(words)


def _is_squeezed(line: str) -> bool:
    """Whether it is a header that `awk` or a chat left with one space between its columns."""
    words = line.split()
    return len(words) > 1 and words[0] in ("NAME", "NAMESPACE") and all(word in _SINGLE for word in words)


def headings_of(line: str) -> list[str]:
    """The headings of a header."""
    return _HEADING.findall(line)


def _known(words: Sequence[str]) -> bool:
    return bool({"NAME", "LAST SEEN", "NAMESPACE"} & set(words))


def _table(lines: list[str], headings: tuple[str, ...]) -> Table:
    starts: list[int] = []
    if is_header(lines[0]):
        found = list(re.finditer(r"\S+", lines[0]) if _is_squeezed(lines[0]) else _HEADING.finditer(lines[0]))
        headings, starts = tuple(match[0] for match in found), [match.start() for match in found]
        lines = lines[1:]
    rows = [row for line in lines if (row := _row(line, headings, starts)) is not None]
    return Table(headings, tuple(rows), len(lines) - len(rows))


def _default(kinds: Sequence[Resource], *, everywhere: bool, labelled: bool) -> tuple[str, ...]:
    known = _DEFAULTS.get(kinds[0].plural, ()) if len(kinds) == 1 else ()
    if labelled and "AGE" in known:
        known = (*known[: known.index("AGE") + 1], "LABELS")
    return ("NAMESPACE", *known) if everywhere and known else known


def _row(line: str, headings: Sequence[str], starts: list[int]) -> Row | None:
    cells = _sliced(line, starts) or _split(line, headings)
    if cells is None:
        return None
    named = dict(zip(headings, cells, strict=False))
    kind, slash, name = named.get("NAME", "").partition("/")
    resource = find_kind(kind) if slash else None
    if slash:
        named["NAME"] = name
    return Row(named, resource)


def _sliced(line: str, starts: list[int]) -> list[str] | None:
    """The cells under their headings, None where the columns do not stand under them any more."""
    if not starts:
        return None
    # Each column begins after a gap: a word that runs across it means that the paste lost its columns.
    broken = [start for start in starts[1:] if start < len(line) and (line[start - 1] != " " or line[start] == " ")]
    if any(line[start - 1] != " " for start in broken):
        return None
    ends = [*starts[1:], len(line)]
    cells = [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    # A gap within a cell: the line was written or squeezed by hand.
    return None if any(_GAP.search(cell) for cell in cells[:-1]) else cells


def _split(line: str, headings: Sequence[str]) -> list[str] | None:
    """The cells by the gaps between them; only where they are told apart without doubt."""
    for cells in (_GAP.split(line.strip()), _AGO.sub(r"\1", line).split()):
        if len(headings) - 4 <= len(cells) <= len(headings) and len(cells) > 1 and _fits(cells, headings):
            return cells
    cells = line.split(None, len(headings) - 1) if headings and headings[-1] == "MESSAGE" else []
    return cells if len(cells) == len(headings) > 1 else None


def _fits(cells: list[str], headings: Sequence[str]) -> bool:
    """Whether the age stands where the header has it."""
    if "AGE" not in headings:
        return len(cells) == len(headings)
    position = list(headings).index("AGE")
    return position < len(cells) and re.fullmatch(r"(?:\d+[ydhms])+|<unknown>|<invalid>", cells[position]) is not None
