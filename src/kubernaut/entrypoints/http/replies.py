"""An answer that is known whole before any of it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from starlette.types import Send

Headers: TypeAlias = Mapping[bytes, bytes]
"""The headers of a request, names in lower case; of a header that came twice, the last."""


@dataclass(slots=True)
class Reply:
    """Status, body and headers; the length is told by itself."""

    status: int
    body: bytes
    media_type: bytes = b"application/json"
    headers: Sequence[tuple[bytes, bytes]] = ()

    async def send(self, send: Send) -> None:
        """Answers with it."""
        headers = [
            (b"content-type", self.media_type),
            (b"content-length", b"%d" % len(self.body)),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
