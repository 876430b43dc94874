"""A stand-in for a language model: speaks OpenAI's chat API on loopback, knows nothing, and can be killed.

It answers what the rules already suspect, after a while. So it shows what becomes of questions and of a provider that
dies, and never what a model knows; whatever shows it has to say so.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Self

from kubernaut.domain.objects import Json, JsonObject, Tree

_LARGEST = 4 << 20
_SUSPECTED = re.compile(r"^suspected ([a-z0-9_]+) \((\d+) %\)", re.MULTILINE)
_FACT = re.compile(r"^fact (e\d+) ", re.MULTILINE)
_TOKENS = (600, 60)


class StandIn:
    """The server; use as an async context manager. `answered` counts its replies."""

    def __init__(self, *, latency_s: float) -> None:
        self.answered = 0
        self.url = ""
        self._latency_s = latency_s
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        """Listens from now on."""
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends it, if it lives."""
        self.kill()

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for an answer, or holds a connection."""
        return bool(self._open)

    def kill(self) -> None:
        """As a process that dies: nobody listens any more, and what was asked is never answered."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                request = await _request(reader)
                await asyncio.sleep(self._latency_s)
                reply = json.dumps(_completion(request)).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(reply)}\r\n\r\n"
                writer.write(head.encode() + reply)
                await writer.drain()
                self.answered += 1
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # whoever asked has gone, or asked nothing that can be read
        finally:
            self._open.discard(writer)
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Tree:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    found = re.search(r"^content-length:\s*(\d+)", head, re.MULTILINE)
    size = int(found[1]) if found else 0
    if size > _LARGEST:
        raise ValueError("too large")
    asked: Json = json.loads(await reader.readexactly(size))
    if not isinstance(asked, dict):
        raise ValueError("no object")  # noqa: TRY004  # of the sender's doing, as every other text that is no request
    return Tree(asked)


def _completion(request: Tree) -> JsonObject:
    prompt = "\n".join(message.text("content") for message in request.trees("messages"))
    asked, answered = _TOKENS
    message: JsonObject = {"role": "assistant", "content": json.dumps(_reply(prompt))}
    return {
        "id": "stand-in",
        "object": "chat.completion",
        "created": 0,
        "model": request.text("model") or "stand-in",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
    }


def _reply(prompt: str) -> JsonObject:
    """What the rules suspect, with the first fact that they gave."""
    suspected, fact = _SUSPECTED.search(prompt), _FACT.search(prompt)
    cited: list[Json] = [fact[1]] if fact else []
    cause, sure = (suspected[1], int(suspected[2])) if suspected else ("unknown", 0)
    remedies = prompt.partition("Remedies (id: meaning):\n")[2]
    action = remedies.partition(":")[0].strip() or "none"
    return {
        "cause": cause,
        "action": action,
        "confidence_percent": sure,
        "evidence": cited,
        "explanation": "A stand-in: as the rules suspect.",
    }
