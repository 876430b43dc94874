"""The last resort: likeness of letters, not of meaning.

Words and their parts of three letters are counted into buckets by a hash. Two texts are alike where they share
spelling; a paraphrase is not found. It needs no model file, and its name says what it is wherever a vector of it is
stored or shown.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator, Sequence

from kubernaut.adapters.embeddings.refusing import refuse_blank

_WORD = re.compile(r"\w+")
_PART = 3


class HashedEmbedder:
    """Embeds by spelling alone."""

    name = "hashed-spelling-384"
    dimension = 384

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order."""
        refuse_blank(texts)
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        buckets = [0.0] * self.dimension
        # A text of signs alone still has its own vector.
        for part in list(_parts(text.lower())) or [text]:
            # CRC32 and not `hash`, which Python salts anew in each process: stored vectors must fit those of tomorrow.
            number = zlib.crc32(part.encode("utf-8", "surrogatepass"))
            # The top bit decides the sign, so that parts that share a bucket cancel out instead of adding up.
            buckets[number % self.dimension] += 1.0 if number >> 31 else -1.0
        length = math.hypot(*buckets)
        if length == 0.0:
            buckets[0] = length = 1.0
        return [bucket / length for bucket in buckets]


def _parts(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield word
        # With marks at its ends, so that the beginning of a word is told from the same letters inside another.
        framed = f"<{word}>"
        for start in range(len(framed) - _PART + 1):
            yield framed[start : start + _PART]
