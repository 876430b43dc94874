"""Kubernetes quantities: `500m`, `1.5Gi`, `2e3`, exactly."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from kubernaut.domain.objects import Json

_SUFFIXES: dict[str, Fraction] = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}
_PATTERN = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)$")


class NotAQuantity(ValueError):
    """The text is no quantity."""


def parse_quantity(value: Json) -> Fraction:
    """The exact amount; raises `NotAQuantity`."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise NotAQuantity(repr(value))
    match = _PATTERN.match(str(value))
    if match is None or len(str(value)) > 64:  # noqa: PLR2004  # far beyond any amount there is
        raise NotAQuantity(str(value))
    number, exponent, suffix = match.groups()
    return Fraction(Decimal(number + (exponent or ""))) * _SUFFIXES[suffix or ""]


def amount(value: Json) -> Fraction:
    """The exact amount, 0 where the text is absent or no quantity."""
    try:
        return parse_quantity(value)
    except NotAQuantity:
        return Fraction(0)


def format_quantity(value: Fraction, *, binary: bool) -> str:
    """The canonical text: the largest suffix that leaves a whole number (milli for what is smaller)."""
    if value == 0:
        return "0"
    names = ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki") if binary else ("E", "P", "T", "G", "M", "k")
    for name in names:
        if (value / _SUFFIXES[name]).denominator == 1:
            return f"{value // _SUFFIXES[name]}{name}"
    if value.denominator == 1:
        return str(value.numerator)
    milli = -(-value.numerator * 1000 // value.denominator)
    return f"{milli}m"
