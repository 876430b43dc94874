from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kubernaut.adapters.embeddings.openai_compatible import EmbeddingEndpoint, OpenAIEmbedder
from kubernaut.adapters.embeddings.refusing import unit
from kubernaut.adapters.embeddings.sentence_transformers import SentenceTransformersEmbedder
from kubernaut.domain.errors import EmbedderError, EmbedderUnavailable, EmbeddingInvalid, EmptyText, SettingsError
from tests.embedding_endpoint import DIMENSION, EmbeddingServer, SystemClockWithoutWaits, running_endpoint
from tests.postgres import free_port


@asynccontextmanager
async def asking(**options: object) -> AsyncIterator[tuple[OpenAIEmbedder, EmbeddingServer, SystemClockWithoutWaits]]:
    async with running_endpoint() as server:
        clock = SystemClockWithoutWaits()
        endpoint = replace(EmbeddingEndpoint(server.url, "text-model", DIMENSION), **options)  # type: ignore[arg-type]
        embedder = OpenAIEmbedder(endpoint, clock)
        yield embedder, server, clock
        await embedder.aclose()


async def test_many_texts_are_asked_for_in_batches_and_come_back_in_their_order() -> None:
    async with asking(batch=3) as (embedder, server, _):
        texts = [f"text {number}" for number in range(7)]
        together = await embedder.embed(texts)
        assert [len(request["input"]) for request in server.requests] == [3, 3, 1]  # type: ignore[arg-type]
        assert together == [(await embedder.embed([text]))[0] for text in texts]


async def test_a_busy_server_is_asked_again_after_the_time_that_it_asks_for() -> None:
    async with asking() as (embedder, server, clock):
        server.answers += [(429, "retry-after: 7\r\n", b""), (503, "", b""), None]
        assert len(await embedder.embed(["a text"])) == 1
        assert len(server.requests) == 4
        assert [pause for pause in clock.waited if pause >= 0.5] == [7.0, 1.0, 2.0]


async def test_a_server_that_never_recovers_is_unavailable_after_a_few_attempts() -> None:
    async with asking(attempts=3) as (embedder, server, _):
        server.answers += [(500, "", b"")] * 9
        with pytest.raises(EmbedderUnavailable, match="3 times"):
            await embedder.embed(["a text"])
        assert len(server.requests) == 3


async def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    async with asking() as (embedder, server, clock):
        server.answers += [(429, "retry-after: 3600\r\n", b"")]
        with pytest.raises(EmbedderUnavailable, match="3600 s"):
            await embedder.embed(["a text"])
        assert clock.waited == []


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_a_refusal_is_not_tried_again(status: int) -> None:
    async with asking() as (embedder, server, _):
        server.answers += [(status, "", b"{}")]
        with pytest.raises(EmbedderError, match=str(status)):
            await embedder.embed(["a text"])
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"{}",
        json.dumps({"data": []}).encode(),
        json.dumps({"data": [{"index": 0, "embedding": []}]}).encode(),
        json.dumps({"data": [{"index": 0, "embedding": [0.0] * DIMENSION}]}).encode(),
        json.dumps({"data": [{"index": 1, "embedding": [1.0] * DIMENSION}]}).encode(),
        json.dumps({"data": [{"index": 0, "embedding": [1.0] * (DIMENSION + 1)}]}).encode(),
        json.dumps({"data": [{"index": 0, "embedding": ["1"] * DIMENSION}]}).encode(),
    ],
)
async def test_an_answer_that_is_no_vector_of_that_dimension_is_refused(body: bytes) -> None:
    async with asking() as (embedder, server, _):
        server.answers += [(200, "", body)]
        with pytest.raises(EmbeddingInvalid):
            await embedder.embed(["a text"])


async def test_requests_are_spaced_by_the_declared_rate() -> None:
    async with asking(requests_per_minute=30, batch=1) as (embedder, _, clock):
        await embedder.embed(["one", "two", "three"])
        assert clock.waited == [2.0, 2.0]


async def test_the_key_is_read_from_its_file_at_each_call(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("first\n")
    async with asking(key_file=key) as (embedder, server, _):
        await embedder.embed(["a text"])
        key.write_text("second")
        await embedder.embed(["a text"])
        assert server.keys == ["bearer first", "bearer second"]


async def test_a_missing_key_file_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    async with asking(key_file=tmp_path / "none") as (embedder, server, _):
        with pytest.raises(EmbedderError, match="none"):
            await embedder.embed(["a text"])
        assert server.requests == []


async def test_a_blank_text_is_never_sent() -> None:
    async with asking() as (embedder, server, _):
        with pytest.raises(EmptyText):
            await embedder.embed(["a text", " \n"])
        assert server.requests == []


async def test_nobody_listening_is_unavailable() -> None:
    endpoint = EmbeddingEndpoint(f"http://127.0.0.1:{free_port()}", "m", DIMENSION, attempts=2)
    embedder = OpenAIEmbedder(endpoint, SystemClockWithoutWaits())
    with pytest.raises(EmbedderUnavailable, match="ConnectError"):
        await embedder.embed(["a text"])
    await embedder.aclose()


async def test_without_its_library_the_extra_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        await SentenceTransformersEmbedder("some-model", 384).embed(["a text"])
    assert "kubernaut[sentence-transformers]" in caught.value.help


@pytest.mark.parametrize("vector", [[], [0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0], [1.0]])
def test_what_has_no_direction_is_no_embedding(vector: list[float]) -> None:
    with pytest.raises(EmbeddingInvalid):
        unit(vector, dimension=2, embedder="any")
