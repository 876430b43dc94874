"""The weights in an ONNX file, read with numpy alone.

ONNX is a protocol buffer: a list of (field number, wire type, value). Only the initializers of the graph are wanted,
so forty lines of reading replace a run time of 100 MB. The file is mapped, not read: the pages of a matrix come into
memory when it is used and can be dropped by the system again.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.generic]

_GRAPH, _INITIALIZER = 7, 5
_DIMS, _TYPE, _NAME, _RAW = 1, 2, 8, 9
_DTYPES: dict[int, npt.DTypeLike] = {1: "<f4", 3: "i1", 7: "<i8", 9: "?"}


def read_weights(path: Path, *, sha256: str) -> dict[str, Array]:
    """The named arrays of the file, as read-only views of it; refuses a file of another hash."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise ValueError(f"{path.name} is not the pinned model: its SHA-256 is {found}")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    whole = memoryview(mapped)
    graph = next(value for number, value in _fields(whole) if number == _GRAPH and isinstance(value, memoryview))
    tensors = (value for number, value in _fields(graph) if number == _INITIALIZER and isinstance(value, memoryview))
    return dict(map(_tensor, tensors))


def _tensor(message: memoryview) -> tuple[str, Array]:
    name, kind, shape, raw = "", 0, list[int](), memoryview(b"")
    for number, value in _fields(message):
        if number == _DIMS:
            shape.extend([value] if isinstance(value, int) else _packed(value))
        elif number == _TYPE and isinstance(value, int):
            kind = value
        elif number == _NAME and isinstance(value, memoryview):
            name = bytes(value).decode()
        elif number == _RAW and isinstance(value, memoryview):
            raw = value
    return name, np.frombuffer(raw, dtype=_DTYPES[kind]).reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                number, at = _varint(message, at)
                yield key >> 3, number
                continue
            case 1:
                length = 8
            case 2:
                length, at = _varint(message, at)
            case 5:
                length = 4
            case other:
                raise ValueError(f"wire type {other} at byte {at}: not an ONNX file")
        yield key >> 3, message[at : at + length]
        at += length


def _packed(message: memoryview) -> Iterator[int]:
    at = 0
    while at < len(message):
        number, at = _varint(message, at)
        yield number


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, at
        shift += 7
