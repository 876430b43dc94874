"""Builds the embedder and the pattern stores from settings."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Literal

from sqlalchemy import Engine

from kubernaut.adapters.embeddings.caching import CachingEmbedder
from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.embeddings.minilm import MiniLMEmbedder
from kubernaut.adapters.embeddings.sentence_transformers import SentenceTransformersEmbedder
from kubernaut.adapters.vectors.debts import SqlDebts
from kubernaut.adapters.vectors.embedded import EmbeddedPatterns
from kubernaut.adapters.vectors.failover import FailoverPatterns
from kubernaut.domain.errors import KubernautError, SettingsError
from kubernaut.ports import Clock, Embedder, PatternStore
from kubernaut.settings import EmbedderSettings, Settings

_RECOLLECTED = 128

Kind = Literal["embedded", "pgvector", "weaviate"]


def build_embedder(settings: EmbedderSettings, clock: Clock, closing: AsyncExitStack) -> Embedder:
    """The chosen embedder with its recent vectors. Nothing is loaded or connected before the first text."""
    dimension = settings.dimension or 0
    match settings.kind:
        case "minilm":
            return CachingEmbedder(MiniLMEmbedder())
        case "hashed":
            return HashedEmbedder()
        case "sentence_transformers":
            return CachingEmbedder(SentenceTransformersEmbedder(settings.model, dimension))
        case "openai":
            # Its HTTP client costs a service that does not use it a tenth of a second at the start.
            from kubernaut.adapters.embeddings.openai_compatible import (  # noqa: PLC0415
                EmbeddingEndpoint,
                OpenAIEmbedder,
            )

            endpoint = EmbeddingEndpoint(
                base_url=settings.base_url or "",
                model=settings.model,
                dimension=dimension,
                key_file=settings.key_file,
                timeout=timedelta(seconds=settings.timeout_s),
                batch=settings.batch,
                requests_per_minute=settings.requests_per_minute,
            )
            remote = OpenAIEmbedder(endpoint, clock)
            closing.push_async_callback(remote.aclose)
            return CachingEmbedder(remote)


async def recollect(embedder: Embedder, patterns: PatternStore) -> None:
    """Lets the embedder know the texts of the newest patterns, so that a repeat of one need not be embedded."""
    if isinstance(embedder, CachingEmbedder):
        with suppress(KubernautError):
            embedder.learn(reversed(await patterns.newest(limit=_RECOLLECTED)))


def open_patterns(settings: Settings, engine: Engine, clock: Clock, closing: AsyncExitStack) -> PatternStore:
    """The store in force; an external one with the embedded one beside it."""
    embedded = EmbeddedPatterns(engine, capacity=settings.memory.kept_in_memory)
    if settings.memory.store == "embedded":
        return embedded
    outside = open_one(settings.memory.store, settings, engine, closing)
    return FailoverPatterns(outside, embedded, SqlDebts(engine), clock)


def open_one(kind: Kind, settings: Settings, engine: Engine, closing: AsyncExitStack) -> PatternStore:
    """One store alone, as patterns are copied from one to another."""
    memory = settings.memory
    match kind:
        case "embedded":
            return EmbeddedPatterns(engine, capacity=memory.kept_in_memory)
        case "pgvector":
            from kubernaut.adapters.vectors.pgvector import PgvectorPatterns  # noqa: PLC0415

            url = memory.url or settings.store.url
            patterns = PgvectorPatterns.opened(url)
            closing.push_async_callback(patterns.aclose)
            return patterns
        case "weaviate":
            if not memory.url:
                raise SettingsError("memory.store weaviate needs memory.url, such as http://127.0.0.1:8080")
            try:
                from kubernaut.adapters.vectors.weaviate import WeaviatePatterns  # noqa: PLC0415
            except ModuleNotFoundError as error:
                raise SettingsError(
                    "memory.store weaviate needs its client, which is not installed",
                    help="pip install 'kubernaut[weaviate]'",
                ) from error
            remote = WeaviatePatterns(memory.url, grpc_port=memory.grpc_port, key_file=memory.key_file)
            closing.push_async_callback(remote.aclose)
            return remote
