from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from kubernaut.adapters.embeddings.caching import CachingEmbedder
from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.memory.patterns import MemoryPatterns
from kubernaut.domain.errors import EmptyText
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.memory_wiring import recollect


class Counting(HashedEmbedder):
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += texts
        return await super().embed(texts)


async def remembered(text: str, *, embedder: str = HashedEmbedder.name) -> Pattern:
    (vector,) = await HashedEmbedder().embed([text])
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Pattern(IncidentId(text), text, "c", "a", Ending.HEALED, 1.0, at, embedder, tuple(vector))


async def test_a_text_is_embedded_once() -> None:
    model = Counting()
    embedder = CachingEmbedder(model)
    assert await embedder.embed(["one", "two"]) == await embedder.embed(["one", "two"])
    assert model.asked == ["one", "two"]


async def test_the_text_that_was_not_wanted_for_longest_is_forgotten_first() -> None:
    model = Counting()
    embedder = CachingEmbedder(model, capacity=2)
    for text in ("one", "two", "one", "three", "one", "two"):
        await embedder.embed([text])
    assert model.asked == ["one", "two", "three", "two"]


async def test_what_an_earlier_process_remembered_need_not_be_embedded_again() -> None:
    model, patterns = Counting(), MemoryPatterns()
    await patterns.add([await remembered("known"), await remembered("foreign", embedder="another-model")])
    embedder = CachingEmbedder(model)
    await recollect(embedder, patterns)
    await embedder.embed(["known", "foreign"])
    assert model.asked == ["foreign"]


async def test_a_blank_text_is_refused_before_the_cache_is_asked() -> None:
    with pytest.raises(EmptyText):
        await CachingEmbedder(Counting()).embed([" "])
