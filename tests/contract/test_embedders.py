import math
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest

from kubernaut.adapters.embeddings.caching import CachingEmbedder
from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.embeddings.minilm import MiniLMEmbedder
from kubernaut.adapters.embeddings.openai_compatible import EmbeddingEndpoint, OpenAIEmbedder
from kubernaut.adapters.embeddings.sentence_transformers import SentenceTransformersEmbedder
from kubernaut.domain.errors import EmptyText
from kubernaut.ports import Embedder
from tests.embedding_endpoint import SystemClockWithoutWaits, running_endpoint, vector_of

# Loaded once: its weights take longer than all the tests.
MINILM = MiniLMEmbedder()


class Encoder:
    """What the library's model answers, without the library."""

    def encode(self, sentences: list[str]) -> Sequence[Sequence[float]]:
        assert all(sentence == sentence.encode().decode() for sentence in sentences)
        return [[3.0 * number for number in vector_of(sentence)] for sentence in sentences]


@pytest.fixture(params=["hashed", "minilm", "openai", "sentence-transformers", "caching"])
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    match request.param:
        case "hashed":
            yield HashedEmbedder()
        case "minilm":
            yield MINILM
        case "caching":
            yield CachingEmbedder(HashedEmbedder())
        case "sentence-transformers":
            yield SentenceTransformersEmbedder("a-folder", 16, lambda _: Encoder())
        case _:
            async with running_endpoint() as server:
                endpoint = EmbeddingEndpoint(server.url, "text-model", 16, batch=4)
                remote = OpenAIEmbedder(endpoint, SystemClockWithoutWaits())
                yield remote
                await remote.aclose()


async def test_every_text_gets_one_vector_of_length_one_in_its_order(embedder: Embedder) -> None:
    texts = ["pod was killed", "image cannot be pulled", "ÄÖ 你好", "!", "x" * 5000, "\ud800"]

    together = await embedder.embed(texts)

    assert [len(vector) for vector in together] == [embedder.dimension] * len(texts)
    assert all(math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-5) for vector in together)
    assert [await embedder.embed([text]) for text in texts] == [[vector] for vector in together]


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\u2003"])
async def test_blank_text_is_refused_and_never_embedded_as_zeros(embedder: Embedder, blank: str) -> None:
    with pytest.raises(EmptyText):
        await embedder.embed(["pod was killed", blank])


async def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert await embedder.embed([]) == []


async def test_equal_texts_are_most_alike_and_no_likeness_leaves_its_bounds(embedder: Embedder) -> None:
    vectors = await embedder.embed(["pod was killed", "pod was killed", "the quota is used up", "invoice for october"])

    likenesses = [sum(map(float.__mul__, one, other)) for one, other in pairwise(vectors)]

    assert math.isclose(likenesses[0], 1.0, abs_tol=1e-5)
    assert max(likenesses[1:]) < 0.9
    assert min(likenesses) >= -1.00001
