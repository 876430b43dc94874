"""Text out of a cluster, made safe to show: one line, no control characters, no credentials, bounded."""

from __future__ import annotations

import re

from kubernaut.domain.redaction import redact_text

LONGEST = 200

_SECRET_NAME = re.compile(r"(?i)passw|secret|token|api[-_]?key|private[-_]?key|credential|_pwd|_pass$")


def quoted(text: str, limit: int = LONGEST) -> str:
    """The text on one line, the unprintable escaped, cut at `limit` with the number of characters left out."""
    # An escape is longer than its character, so the beginning alone can fill the line.
    shown = redact_text(text[: limit * 4]).strip()
    if not shown.isprintable():
        shown = "".join(_printable(char) for char in shown)
    if len(text) > limit * 4:
        return f"{shown[:limit]} +{len(text) - limit}"
    return shown if len(shown) <= limit else f"{shown[:limit]} +{len(shown) - limit}"


def names_a_secret(name: str) -> bool:
    """Whether a variable of that name probably holds a credential."""
    return _SECRET_NAME.search(name) is not None


def _printable(char: str) -> str:
    if char in "\n\t":
        return " "
    return char if char.isprintable() else char.encode("unicode_escape").decode()
