"""Cases that people write beside their policies and strategies, tried as the command line tries them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kubernaut.domain.errors import InputError

CaseT = TypeVar("CaseT")
CameT = TypeVar("CameT")


@dataclass(frozen=True, slots=True)
class Tried(Generic[CaseT, CameT]):
    """A case with what came out; `wrong` is empty where that was expected."""

    case: CaseT
    came: CameT | None
    wrong: str


def tried(
    case: CaseT, attempt: Callable[[CaseT], CameT], mismatch: Callable[[CaseT, CameT], str]
) -> Tried[CaseT, CameT]:
    """The case tried. One that cannot be tried is wrong, and keeps no other from its turn."""
    try:
        came = attempt(case)
    except InputError as error:
        return Tried(case, None, str(error))
    return Tried(case, came, mismatch(case, came))
