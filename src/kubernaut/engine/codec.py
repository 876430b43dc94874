"""Values of the domain to portable JSON and back.

A journal outlives the process that wrote it, so it holds plain JSON: readable with any tool, and never pickled, since
whoever can write a pickle into the database runs code in ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json
from typing_extensions import TypeForm

from kubernaut.domain.objects import Json

T = TypeVar("T")


_ADAPTERS: dict[object, object] = {}


def _adapter(kind: TypeForm[T]) -> TypeAdapter[T]:
    # Building one takes milliseconds, and types hash by what they are.
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return cast("TypeAdapter[T]", _ADAPTERS[kind])


def _as_dict(value: object) -> dict[object, object]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dump(value: object) -> Json:
    """The value as JSON: dataclasses as objects, times in RFC 3339, tuples as lists, enums by their value.

    Raises `ValueError` for infinity and NaN, which JSON does not have.
    """
    # Written as constants and refused on reading: JSON has no word for them, and null would be another value.
    text = to_json(value, inf_nan_mode="constants", fallback=_as_dict)
    return cast("Json", from_json(text, allow_inf_nan=False))


def load(kind: TypeForm[T], json: Json) -> T:
    """The value that `dump` was given. `kind` may be a union: its members are told apart by their `kind` literal."""
    return _adapter(kind).validate_python(json)
