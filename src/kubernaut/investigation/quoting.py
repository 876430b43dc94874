"""Text out of a cluster, made safe to show: one line, no control characters, no credentials, bounded."""

from __future__ import annotations

import re

LONGEST = 200

_ASSIGNED = re.compile(
    r"(?i)([\w.-]*(?:passw(?:or)?d|passwd|secret|token|api[-_]?key|private[-_]?key|credential)[\w.-]*\"?\s*[=:]\s*)"
    r"(\"[^\"]*\"|'[^']*'|[^\s,;&}]+)"
)
_SECRET_WORD = re.compile(r"passw|secret|token|api[-_]?key|private[-_]?key|credential")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_IN_URL = re.compile(r"(://[^/\s:@]+:)[^@\s/]+@")
_SECRET_NAME = re.compile(r"(?i)passw|secret|token|api[-_]?key|private[-_]?key|credential|_pwd|_pass$")


def quoted(text: str, limit: int = LONGEST) -> str:
    """The text on one line, the unprintable escaped, cut at `limit` with the number of characters left out."""
    # An escape is longer than its character, so the beginning alone can fill the line.
    shown = masked(text[: limit * 4]).strip()
    if not shown.isprintable():
        shown = "".join(_printable(char) for char in shown)
    if len(text) > limit * 4:
        return f"{shown[:limit]} +{len(text) - limit}"
    return shown if len(shown) <= limit else f"{shown[:limit]} +{len(shown) - limit}"


def masked(text: str) -> str:
    """The text without what looks like a credential."""
    # The three expressions are slow, and most texts hold none of the words that they look for.
    if "@" in text and "://" in text:
        text = _IN_URL.sub(r"\1***@", text)
    folded = text.casefold()
    if "bearer" in folded or "basic" in folded:
        text = _BEARER.sub(r"\1 ***", text)
    return _ASSIGNED.sub(r"\1***", text) if _SECRET_WORD.search(folded) else text


def names_a_secret(name: str) -> bool:
    """Whether a variable of that name probably holds a credential."""
    return _SECRET_NAME.search(name) is not None


def _printable(char: str) -> str:
    if char in "\n\t":
        return " "
    return char if char.isprintable() else char.encode("unicode_escape").decode()
