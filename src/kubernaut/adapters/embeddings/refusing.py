"""What every embedder refuses, and what every vector has to be: an empty embedding cannot come out of here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from kubernaut.domain.errors import EmbeddingInvalid, EmptyText


def refuse_blank(texts: Iterable[str]) -> None:
    """Raises `EmptyText` where a text has nothing in it."""
    if not all(text.strip() for text in texts):
        raise EmptyText("a blank text has no embedding")


def unit(vector: Sequence[float], *, dimension: int, embedder: str) -> list[float]:
    """The vector with length 1. Raises `EmbeddingInvalid` for one of another dimension, of no length or not finite."""
    if len(vector) != dimension:
        raise EmbeddingInvalid(f"{embedder} gave {len(vector)} dimensions; {dimension} are declared")
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0.0:
        raise EmbeddingInvalid(f"{embedder} gave a vector of no direction")
    return [number / length for number in vector]


def sendable(text: str) -> str:
    """The text without lone halves of pairs of UTF-16, which have no form outside of this process."""
    return text.encode("utf-8", "replace").decode()
