"""Remembers the vectors of recent texts: incidents of one fault have one text, however many there are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from kubernaut.adapters.embeddings.refusing import refuse_blank
from kubernaut.domain.learning import Pattern
from kubernaut.ports import Embedder


class CachingEmbedder:
    """An embedder with the vectors of the last `capacity` texts (12 KiB each at 384 dimensions)."""

    def __init__(self, embedder: Embedder, *, capacity: int = 256) -> None:
        self._embedder = embedder
        self._capacity = capacity
        self._known: OrderedDict[str, list[float]] = OrderedDict()
        self.name = embedder.name
        self.dimension = embedder.dimension

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order."""
        refuse_blank(texts)
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        found = dict(zip(new, await self._embedder.embed(new), strict=True)) if new else {}
        vectors = [found[text] if text in found else self._known[text] for text in texts]
        for text, vector in zip(texts, vectors, strict=True):
            self._keep(text, vector)
        return vectors

    def learn(self, patterns: Iterable[Pattern]) -> None:
        """Takes over what an earlier process embedded: a repeat has the text of what it repeats."""
        for pattern in patterns:
            if pattern.embedder == self.name and pattern.dimension == self.dimension:
                self._keep(pattern.text, list(pattern.vector))

    def _keep(self, text: str, vector: list[float]) -> None:
        self._known[text] = vector
        self._known.move_to_end(text)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)
