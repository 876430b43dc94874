"""The indented outline that `kubectl describe` prints, as entries with a key, a value and what stands below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from kubernaut.domain.objects import Json, JsonObject

_ENTRY: Final = re.compile(r"([^:\s][^:]*(?::[^\s:][^:]*)*):(?:\s+(.*))?")
_NONE: Final = frozenset({"", "<none>", "<unset>", "<nil>", "<unknown>"})
_MOST_ENTRIES: Final = 20_000


@dataclass
class Outline:
    """Entries in their order; a key may come more than once."""

    lines: Sequence[str]
    _entries: list[Entry] = field(init=False)

    def __post_init__(self) -> None:
        self._entries = list(_entries(self.lines))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    @cached_property
    def _first(self) -> dict[str, Entry]:
        return {entry.key: entry for entry in reversed(self._entries)}

    def get(self, key: str) -> Entry:
        """The first entry of that key, an empty one where there is none."""
        return self._first.get(key) or Entry(key, "", [])

    def text(self, *keys: str) -> str:
        """The value of the first of these keys that has one; empty where it is `<none>` or the like."""
        for key in keys:
            value = self.get(key).value
            if value not in _NONE:
                return value
        return ""

    def has(self, key: str) -> bool:
        """Whether the key is there at all."""
        return key in self._first


@dataclass
class Entry:
    """A key, the text beside it, and the lines below it."""

    key: str
    value: str
    body: list[str]

    @cached_property
    def inside(self) -> Outline:
        """The lines below as an outline of their own."""
        return Outline(self.body)

    @property
    def values(self) -> list[str]:
        """The text beside the key and below it, line by line, without the words for nothing."""
        found = [self.value, *(line.strip() for line in self.body)]
        return [line for line in found if line not in _NONE]

    @property
    def pairs(self) -> JsonObject:
        """`app=web` lines as a map."""
        split = (line.partition("=") for line in self.values)
        return {key: value for key, sign, value in split if sign}

    @property
    def notes(self) -> JsonObject:
        """`key: value` lines as a map, as annotations are printed."""
        split = (line.partition(": ") for line in self.values)
        return {key: value for key, sign, value in split if sign and " " not in key}

    @property
    def amounts(self) -> JsonObject:
        """The entries below as a map of quantities."""
        return {entry.key: entry.value for entry in self.inside if entry.value}

    @property
    def rows(self) -> list[list[str]]:
        """The rows of the table below, cells by the columns of its header; the last column takes the rest."""
        if len(self.body) < 2:  # noqa: PLR2004  # a header and its line
            return []
        # The line of dashes under the header shows where each column begins.
        marks = next((index for index, line in enumerate(self.body[:3]) if line.strip().startswith("----")), None)
        header = self.body[0] if marks is None else self.body[marks]
        starts = [match.start() for match in re.finditer(r"\S+", header)]
        below = self.body[(marks if marks is not None else 0) + 1 :]
        return [cells for line in below if line.strip() and (cells := _cells(line, starts))]


def _cells(line: str, starts: list[int]) -> list[str]:
    straight = all(start >= len(line) or line[start - 1 : start] in ("", " ") for start in starts)
    if not straight:
        return re.split(r"\s{2,}", line.strip(), maxsplit=len(starts) - 1)
    ends = [*starts[1:], len(line)]
    return [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _entries(lines: Sequence[str]) -> Iterator[Entry]:
    current: Entry | None = None
    base: int | None = None
    for line in lines[:_MOST_ENTRIES]:
        stripped = line.strip()
        if not stripped:
            continue
        indent = len(line) - len(line.lstrip())
        base = indent if base is None else base
        if indent <= base:
            if current is not None:
                yield current
            match = _ENTRY.fullmatch(stripped)
            current = Entry(match[1], (match[2] or "").strip(), []) if match else Entry(stripped, "", [])
        elif current is not None:
            current.body.append(line.rstrip())
    if current is not None:
        yield current


def texts(values: list[str]) -> list[Json]:
    """The lines as a list of an object."""
    return [*values]
