"""Reading a request's body within bounds of size and of the memory that all bodies share.

How long a body may take to arrive is bounded by the server's protocol.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Receive

from kubernaut.entrypoints.http.problems import Problem, RequestRefused, unavailable
from kubernaut.entrypoints.http.replies import Headers


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bounds on bodies, of one and of all that are being read together."""

    body_bytes: int = 8 * 2**20
    together_bytes: int = 64 * 2**20


class BodyReader:
    """Reads whole bodies; raises `RequestRefused` (413, 415, 503) for those that do not fit."""

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._held = 0

    async def read_json(self, headers: Headers, receive: Receive) -> bytes:
        """The bytes of a body that says it is JSON."""
        return await self.read(headers, receive, kind=b"application/json")

    async def read(self, headers: Headers, receive: Receive, *, kind: bytes) -> bytes:
        """The bytes of a body that says it is of that media type."""
        _check_type(headers, kind)
        # Refused by its own word before a byte is read; a body that says nothing, or lies, is counted as it comes.
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._limits.body_bytes:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestRefused(Problem(400, "body_cut_off", "the sender went away within the body"))
                chunk: bytes = message.get("body", b"")
                # Counted over all requests: a thousand bodies of the allowed size would not fit into memory.
                self._held += len(chunk)
                size += len(chunk)
                if size > self._limits.body_bytes:
                    raise self._too_large()
                if self._held > self._limits.together_bytes:
                    raise RequestRefused(unavailable("too_busy", "too many large bodies are being read"))
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        finally:
            self._held -= size

    def _too_large(self) -> RequestRefused:
        # The connection stays open, and the server throws away the rest as it comes: closed within the body, it would
        # be reset, and the sender would try for ever instead of reading why.
        bound = self._limits.body_bytes
        return RequestRefused(
            Problem(
                413,
                "body_too_large",
                f"the body is larger than {bound} bytes",
                help="send fewer alerts at once: group_by in the Alertmanager route makes smaller groups",
            )
        )


def _check_type(headers: Headers, wanted: bytes) -> None:
    kind = headers.get(b"content-type", b"")
    if kind != wanted and kind.split(b";", 1)[0].strip().lower() != wanted:
        shown = kind[:80].decode("latin-1") or "none"
        code = "not_json" if wanted == b"application/json" else "wrong_type"
        raise RequestRefused(
            Problem(415, code, f"content-type is {shown}", help=f"send content-type: {wanted.decode()}")
        )
    # A few kilobytes may unpack to gigabytes, and no sender of alerts packs its bodies.
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding != b"identity":
        raise RequestRefused(
            Problem(415, "encoded_body", "content-encoding is not supported", help="send the body as it is")
        )
