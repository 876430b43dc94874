"""Embeddings from any endpoint that speaks OpenAI's `/embeddings`: in batches, at a bounded rate, tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import httpx2
import msgspec

from kubernaut.adapters.embeddings.refusing import refuse_blank, sendable, unit
from kubernaut.domain.errors import EmbedderError, EmbedderUnavailable, EmbeddingInvalid
from kubernaut.ports import Clock

# Texts are a few hundred words; what is longer loses its end, as in the embedded model.
_LONGEST_TEXT = 8000
# One vector of 3072 numbers is about 60 KiB of JSON.
_LONGEST_REPLY = 64 * 1024 * 1024
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_TOO_MANY = 429
_SERVER_FAULT = 500
_OK = 200


class _Item(msgspec.Struct):
    index: Annotated[int, msgspec.Meta(ge=0)]
    embedding: list[float]


class _Reply(msgspec.Struct):
    data: list[_Item]


@dataclass(frozen=True, slots=True)
class EmbeddingEndpoint:
    """Where it is and how it is asked. `key_file` is read at each call, so a key may change while we run."""

    base_url: str
    model: str
    dimension: int
    key_file: Path | None = None
    timeout: timedelta = timedelta(seconds=30)
    batch: int = 64
    requests_per_minute: int = 600
    attempts: int = 4


class OpenAIEmbedder:
    """Embeds over HTTP. `timeout` is the deadline of one request; it is tried again after 429, 5xx and no answer."""

    def __init__(self, endpoint: EmbeddingEndpoint, clock: Clock) -> None:
        self.name = endpoint.model
        self.dimension = endpoint.dimension
        self._endpoint = endpoint
        self._clock = clock
        self._rate = _Rate(endpoint.requests_per_minute, clock)
        self._client = httpx2.AsyncClient(timeout=endpoint.timeout.total_seconds(), follow_redirects=False)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order."""
        refuse_blank(texts)
        size = self._endpoint.batch
        vectors: list[list[float]] = []
        for start in range(0, len(texts), size):
            vectors += await self._batch(
                [sendable(text.strip()[:_LONGEST_TEXT]) for text in texts[start : start + size]]
            )
        return vectors

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._client.aclose()

    async def _batch(self, texts: Sequence[str]) -> list[list[float]]:
        pause = _FIRST_PAUSE_S
        for attempt in range(1, self._endpoint.attempts + 1):
            await self._rate.wait()
            try:
                return self._vectors(await self._ask(texts), len(texts))
            except _Later as later:
                if attempt == self._endpoint.attempts:
                    raise EmbedderUnavailable(f"{self.name}: {later}, {attempt} times") from later
                wait = pause if later.after_s is None else max(later.after_s, pause)
                if wait > _LONGEST_PAUSE_S:
                    raise EmbedderUnavailable(f"{self.name}: {later}, asks for {wait:.0f} s of patience") from later
                await self._clock.sleep(timedelta(seconds=wait))
                pause = min(2 * pause, _LONGEST_PAUSE_S)
        raise EmbedderUnavailable(f"{self.name}: no attempt is allowed")

    async def _ask(self, texts: Sequence[str]) -> bytes:
        url = f"{self._endpoint.base_url.rstrip('/')}/embeddings"
        body = {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}
        try:
            # The client's own limits are for each read; a server that drips is stopped by this one.
            async with (
                asyncio.timeout(self._endpoint.timeout.total_seconds()),
                self._client.stream("POST", url, content=msgspec.json.encode(body), headers=self._headers()) as reply,
            ):
                if reply.status_code == _TOO_MANY or reply.status_code >= _SERVER_FAULT:
                    raise _Later(f"HTTP {reply.status_code}", after_s=_seconds(reply.headers.get("retry-after", "")))
                if reply.status_code != _OK:
                    raise EmbedderError(f"{self.name}: HTTP {reply.status_code}")
                return await _bounded(reply)
        except (httpx2.TransportError, TimeoutError) as error:
            raise _Later(type(error).__name__) from error
        except (httpx2.InvalidURL, httpx2.HTTPError) as error:
            raise EmbedderError(f"{self.name}: {type(error).__name__}") from error

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        file = self._endpoint.key_file
        if file is not None:
            try:
                headers["authorization"] = f"Bearer {file.read_text(encoding='utf-8').strip()}"
            except (OSError, UnicodeDecodeError) as error:
                raise EmbedderError(f"{self.name}: the key file {file} cannot be read") from error
        return headers

    def _vectors(self, content: bytes, wanted: int) -> list[list[float]]:
        try:
            items = sorted(msgspec.json.decode(content, type=_Reply).data, key=lambda item: item.index)
        except msgspec.DecodeError as error:
            raise EmbeddingInvalid(f"{self.name}: an answer of another form: {error}") from error
        if [item.index for item in items] != list(range(wanted)):
            raise EmbeddingInvalid(f"{self.name}: {len(items)} vectors for {wanted} texts")
        return [unit(item.embedding, dimension=self.dimension, embedder=self.name) for item in items]


class _Later(EmbedderUnavailable):
    """It may go well if it is tried again; `after_s` is what the server asked for."""

    def __init__(self, message: str, *, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class _Rate:
    """Requests are evenly spaced: a burst would only be answered with 429."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._between = timedelta(minutes=1) / per_minute
        self._clock = clock
        self._next = clock.now()

    async def wait(self) -> None:
        now = self._clock.now()
        turn = max(now, self._next)
        self._next = turn + self._between
        if turn > now:
            await self._clock.sleep(turn - now)


async def _bounded(reply: httpx2.Response) -> bytes:
    content = bytearray()
    async for chunk in reply.aiter_bytes():
        content += chunk
        if len(content) > _LONGEST_REPLY:
            raise EmbeddingInvalid("the answer is larger than any list of vectors")
    return bytes(content)


def _seconds(header: Sequence[str] | str) -> float | None:
    """What `Retry-After` asks for; its other form, a date, is not taken."""
    text = str(header).strip()
    return float(text) if text.isdecimal() and len(text) < 7 else None  # noqa: PLR2004  # no number of weeks
