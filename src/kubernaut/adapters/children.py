"""What programs that were started as children answer: within a time, within bounds, and gone when that is over."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """How it ended, with what it printed on its two ways."""

    code: int
    output: bytes
    words: bytes


async def answer_of(
    process: asyncio.subprocess.Process, *, within_s: float, most_output: int, most_words: int, given: bytes = b""
) -> Answer:
    """The answer of a program that was started in a session of its own; what is beyond a bound, in bytes, is let go of.

    Raises `TimeoutError`. However this ends, nothing of the program's session is left running where it had not ended.
    """
    try:
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as group:
            output = group.create_task(_read(process.stdout, most_output))
            words = group.create_task(_read(process.stderr, most_words))
            await _give(process.stdin, given)
            code = await process.wait()
        return Answer(code, output.result(), words.result())
    finally:
        await _end(process)


async def _give(stream: asyncio.StreamWriter | None, given: bytes) -> None:
    if stream is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(given)
        await stream.drain()
    stream.close()


async def _read(stream: asyncio.StreamReader | None, most: int) -> bytes:
    kept = bytearray()
    # To the end: a program whose pipe nobody empties would stand still.
    while stream is not None and (part := await stream.read(2**16)):
        kept += part[: most - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    # The whole session: git and login plugins start helpers of their own.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()
