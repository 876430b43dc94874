"""What was probably meant by a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(typed: str, known: Iterable[str]) -> str:
    """The known name that begins so, or is spelled most alike; empty where none is."""
    names = list(known)
    begun = [name for name in names if typed and name.startswith(typed)]
    return next(iter([*begun, *get_close_matches(typed, names, n=1)]), "")


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """`; did you mean "checkout"?`, or nothing."""
    near = nearest(typed, known)
    return f'; did you mean "{near}"?' if near else ""
