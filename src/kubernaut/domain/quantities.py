"""Kubernetes quantities (`512Mi`, `1.5`, `250m`) as exact numbers."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from kubernaut.domain.objects import Json

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
# Digits are bounded, so that no text is dear to read however long it is.
_FORM = re.compile(r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(?:([KMGTPE]i)|([numkMGTPE]?)|[eE]([+-]?\d{1,2}))")


def parse_quantity(value: Json) -> Decimal | None:
    """The quantity's number (bytes, cores, a count), None where it is none."""
    # In Python a bool is an int; in an object it is a mistake.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _FORM.fullmatch(str(value))
    if match is None:
        return None
    number, binary, decimal, exponent = match.groups()
    if binary:
        return Decimal(number) * _BINARY[binary]
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number).scaleb(_DECIMAL[decimal or ""])


def amount(value: Json) -> Decimal:
    """The quantity's number, 0 where it is absent or none."""
    number = parse_quantity(value)
    return Decimal(0) if number is None else number


def format_quantity(value: Decimal, *, binary: bool) -> str:
    """The canonical text: the largest suffix that leaves a whole number, milli for what is smaller, rounded up."""
    if value == 0:
        return "0"
    sizes = _BINARY if binary else {name: 10**power for name, power in _DECIMAL.items() if power > 0}
    for name, size in reversed(sizes.items()):
        if value % size == 0:
            return f"{int(value // size)}{name}"
    return str(int(value)) if value % 1 == 0 else f"{math.ceil(value * 1000)}m"


def memory_text(size: Decimal) -> str:
    """A number of bytes the way people write memory, rounded up to whole Mi: `1536Mi`, `2Gi`."""
    mebibytes = math.ceil(size / 2**20)
    return f"{mebibytes // 1024}Gi" if mebibytes % 1024 == 0 and mebibytes else f"{mebibytes}Mi"
