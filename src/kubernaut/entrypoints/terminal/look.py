"""What the terminal can show: width, colours, icons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from kubernaut.entrypoints.status import Status, Tone

# The terminal's own colours, none of blue, white or black, so that light and dark themes both work.
_CODES: Mapping[Tone, str] = MappingProxyType(
    {Tone.GOOD: "32", Tone.BUSY: "36", Tone.ASK: "33", Tone.BAD: "31", Tone.HAND: "35", Tone.QUIET: "2"}
)
_ASCII = str.maketrans({"·": "-", "×": "x", "→": "->", "…": "~", "–": "-", "≥": ">=", "±": "+-"})


@dataclass(frozen=True, slots=True)
class Look:
    """`width` is None in a pipe, where nothing is cut and nothing is wrapped."""

    width: int | None = None
    colour: bool = False
    unicode: bool = True

    def paint(self, tone: Tone, text: str) -> str:
        """The text in the colour of the tone."""
        return f"\x1b[{_CODES[tone]}m{text}\x1b[0m" if self.colour else text

    def icon(self, status: Status) -> str:
        """The icon alone, painted."""
        return self.paint(status.tone, status.icon if self.unicode else status.ascii_icon)

    def words(self, status: Status, more: str = "") -> str:
        """Icon and word, such as `✓ healed in 74 s`; `more` is not painted."""
        icon = status.icon if self.unicode else status.ascii_icon
        return self.paint(status.tone, f"{icon} {status.word}") + more

    def text(self, line: str) -> str:
        """The line as the terminal can write it."""
        return line if self.unicode else line.translate(_ASCII)


def plain_length(text: str) -> int:
    """Columns that the text takes, colour codes not counted."""
    length, rest = 0, text
    while "\x1b[" in rest:
        before, _, after = rest.partition("\x1b[")
        length += len(before)
        rest = after.partition("m")[2]
    return length + len(rest)


def aligned(rows: Sequence[Sequence[str]], *, gap: int = 2, indent: str = "") -> list[str]:
    """One line a row with the columns under each other; the last column is as long as it is."""
    widths = [max(map(plain_length, column), default=0) for column in zip(*rows, strict=True)]
    return [indent + _row(row, widths, gap) for row in rows]


def _row(cells: Sequence[str], widths: Iterable[int], gap: int) -> str:
    padded = (cell + " " * (width - plain_length(cell) + gap) for cell, width in zip(cells, widths, strict=True))
    return "".join(padded).rstrip()
