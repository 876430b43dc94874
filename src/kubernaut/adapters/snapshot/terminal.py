"""Text as it was before a terminal, an editor or a mail program dressed it: colours, other spaces, quoting marks."""

from __future__ import annotations

import codecs
import re
from typing import Final

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Control sequences of a terminal, and those of which a copy kept only `^[` for the escape character.
_CONTROL: Final = re.compile(
    r"(?:\x1b\[|\x9b|\^\[\[)[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)"
    r"|\x1b[()][0-9A-Z]|\x1b[ -~]"
)
_ERASED: Final = re.compile(r"[^\x08\n]\x08")
_OTHER_SPACES: Final = str.maketrans(
    {
        "\u00a0": " ",
        "\u2007": " ",
        "\u202f": " ",
        "\u200b": None,
        "\u200c": None,
        "\ufeff": None,
        "\x0b": "\n",
        "\x0c": "\n",
    }
)
_MOST_ERASED: Final = 50


def is_marked(content: bytes) -> bool:
    """Whether the file says that it is text."""
    return any(content.startswith(mark) for mark, _ in _BOMS)


def decoded(content: bytes) -> str:
    """The text of a file, by the mark at its beginning: PowerShell writes UTF-16."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    return content.decode(errors="replace")


def undressed(text: str) -> str:
    """The text without what a terminal does with it; lines end with a line feed."""
    text = text.replace("\r\n", "\n").translate(_OTHER_SPACES)
    if "\x1b" in text or "\x9b" in text or "^[[" in text:
        text = _CONTROL.sub("", text)
    for _ in range(_MOST_ERASED):
        if "\x08" not in text:
            break
        text = _ERASED.sub("", text)
    # A carriage return alone writes over its line: what came last is what was seen.
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")) if "\r" in text else text
