"""A model server that is always right about the form: for the benches, where the model's time is what counts.

    python bench/model_stub.py --port 0 --latency 2.0

Speaks OpenAI's chat API on loopback and answers after the latency, however many ask at once, with a reply that fits
the schema of the request: the first id of every list, 50 for a number. Prints its address as the first line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from kubernaut.domain.objects import Json

_LONGEST_BODY = 8 << 20


class ModelStub:
    """The server; `requests` counts what was answered."""

    def __init__(self, *, latency_s: float) -> None:
        self.latency_s = latency_s
        self.requests = 0

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
        """The listening server; port 0 takes a free one."""
        return await asyncio.start_server(self._connection, host, port)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while body := await _body(reader):
                await asyncio.sleep(self.latency_s)
                self.requests += 1
                reply = json.dumps(_completion(json.loads(body))).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(reply)}\r\n\r\n"
                writer.write(head.encode() + reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has gone
        finally:
            writer.close()


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(min(int(line.split(b":")[1]), _LONGEST_BODY))
    return b""


def _completion(request: dict[str, Any]) -> dict[str, Any]:
    form = request.get("response_format", {})
    schema = form.get("json_schema", form).get("schema", {"type": "string"})
    return {
        "id": "stub",
        "object": "chat.completion",
        "created": 0,
        "model": request.get("model", "stub"),
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": json.dumps(_instance(schema))},
            }
        ],
        "usage": {"prompt_tokens": 600, "completion_tokens": 60, "total_tokens": 660},
    }


def _instance(schema: dict[str, Any]) -> Json:
    # A list of one id is written as a constant.
    if ids := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return str(ids[0])
    match schema.get("type"):
        case "object":
            return {name: _instance(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_instance(schema["items"])] if schema.get("maxItems", 1) else []
        case "integer":
            return 50
        case _:
            return "The first of each list."


async def _main(host: str, port: int, latency_s: float) -> None:
    server = await ModelStub(latency_s=latency_s).serve(host, port)
    print(f"http://{host}:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds")
    options = parser.parse_args()
    asyncio.run(_main("127.0.0.1", options.port, options.latency))
