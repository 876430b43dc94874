"""The memory of finished incidents."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from kubernaut.settings.section import Seconds, Section, Share


class MemorySettings(Section):
    """Where finished incidents are remembered, and when a repeat needs no second opinion."""

    store: Literal["embedded", "pgvector", "weaviate"] = "embedded"
    """`embedded` is the database of `store.url`; it stands in for the other two while they are down."""
    url: str | None = None
    """Of pgvector: `postgresql://…`, by default `store.url`. Of Weaviate: `http://HOST:PORT`."""
    grpc_port: int = Field(default=50_051, ge=1, le=65_535)
    """Weaviate's second port."""
    key_file: Path | None = None
    """File that holds Weaviate's API key; none where it wants none."""
    kept_in_memory: int = Field(default=20_000, ge=1, le=1_000_000)
    """Newest patterns that the embedded store searches; 1.5 KiB each."""
    repeat_likeness: Share = 0.9
    """An incident at least so like verified ones of the past is a repeat: no model is asked about it."""
    repeat_successes: int = Field(default=3, ge=1, le=50)
    """Verified successes of one action among the like incidents that make a repeat."""


class EmbedderSettings(Section):
    """What turns an incident into numbers that can be compared."""

    kind: Literal["minilm", "openai", "sentence_transformers", "hashed"] = "minilm"
    """`minilm` comes along and needs no network; `hashed` compares spelling alone."""
    model: str = Field(default="", max_length=64)
    """Of `openai`: the model's id. Of `sentence_transformers`: a folder, or the name of what was downloaded before."""
    base_url: str | None = None
    """Of `openai`: such as `http://127.0.0.1:11434/v1`."""
    dimension: int | None = Field(default=None, ge=1, le=16_000)
    """How many numbers the model gives; needed for `openai` and `sentence_transformers`."""
    key_file: Path | None = None
    """File that holds the key, read again at each call; none where the endpoint wants none."""
    timeout_s: Seconds = 30.0
    """Deadline of one request."""
    batch: int = Field(default=64, ge=1, le=2048)
    """Texts in one request."""
    requests_per_minute: int = Field(default=600, ge=1, le=100_000)
    """Requests are spaced so."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        wanted = {"openai": ("model", "base_url", "dimension"), "sentence_transformers": ("model", "dimension")}
        missing = [name for name in wanted.get(self.kind, ()) if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.kind} needs {', '.join(missing)}")
        return self
