"""Text from the cluster, from alerts and from models is data: it is shown, it never acts on the terminal."""

from __future__ import annotations

import textwrap
import unicodedata

LONGEST_LINE = 200
# Cc: control characters, C1 included; Cf: invisible ones, such as those that turn the writing direction.
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def visible(text: str) -> str:
    r"""The text on one line, with what would act on a terminal written out: `\x1b`, `\n`, `\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written_out(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _written_out(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named:
        return named
    if code < 0x100:  # noqa: PLR2004  # one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004  # two bytes


def quoted(text: str, *, limit: int = LONGEST_LINE) -> str:
    """A log line or a message, cut at the limit with the number of characters left out."""
    shown = visible(text)
    return shown if len(shown) <= limit else f"{shown[:limit]} +{len(shown) - limit}"


def without_middle(name: str, width: int | None) -> str:
    """The name within the width: `checkout-7d9f8b6c4-abx2x` becomes `checkout-…x2x`."""
    if width is None or len(name) <= width:
        return name
    tail = min(3, max(0, (width - 1) // 3))
    return f"{name[: width - 1 - tail]}…{name[len(name) - tail :]}"


def wrapped(text: str, width: int | None, *, indent: str = "", first: str | None = None) -> list[str]:
    """The text at words; long words stay whole, since ids, commands and paths must be copyable.

    `first` stands before the first line in place of the indent.
    """
    start = indent if first is None else first
    if width is None:
        return [start + text]
    return textwrap.wrap(
        text,
        max(width, len(indent) + 20),
        initial_indent=start,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [start.rstrip()]
