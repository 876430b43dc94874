"""Any model of the sentence-transformers library, from a folder or from what was downloaded before.

The library brings torch: hundreds of megabytes and seconds to import. So it is an extra, and is imported at the first
text, on a thread.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from kubernaut.adapters.embeddings.refusing import refuse_blank, sendable, unit
from kubernaut.domain.errors import EmbedderUnavailable, SettingsError

_EXTRA = "pip install 'kubernaut[sentence-transformers]'"


class Encoder(Protocol):
    """The one method that is used of the library's model."""

    def encode(self, sentences: list[str]) -> Sequence[Sequence[float]]:
        """One vector a sentence."""


class SentenceTransformersEmbedder:
    """Embeds on a thread, one batch at a time. Never downloads: the model is a folder, or in the library's cache."""

    def __init__(self, model: str, dimension: int, load: Callable[[str], Encoder] | None = None) -> None:
        self.name = model
        self.dimension = dimension
        self._load = load or load_offline
        self._loaded: Encoder | None = None
        self._one_at_a_time = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order."""
        refuse_blank(texts)
        return await asyncio.to_thread(self._embed, list(texts)) if texts else []

    def _embed(self, texts: list[str]) -> list[list[float]]:
        with self._one_at_a_time:
            if self._loaded is None:
                self._loaded = self._load(self.name)
            vectors = self._loaded.encode([sendable(text) for text in texts])
        return [unit(list(map(float, each)), dimension=self.dimension, embedder=self.name) for each in vectors]


def load_offline(model: str) -> Encoder:
    """The model. Raises `SettingsError` without the library, `EmbedderUnavailable` where the model is not here."""
    try:
        library = importlib.import_module("sentence_transformers")
    except ModuleNotFoundError as error:
        raise SettingsError(
            "embedder.kind sentence_transformers needs a library that is not here", help=_EXTRA
        ) from error
    try:
        return cast("Encoder", library.SentenceTransformer(model, device="cpu", local_files_only=True))
    except (OSError, ValueError) as error:
        help_ = "name a folder that holds the model, or download it before with the library's own tools"
        raise EmbedderUnavailable(f"the model {model} is not on this machine", help=help_) from error
