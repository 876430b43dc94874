"""What programs that were started as children answer: within a time, within bounds, and gone when that is over."""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """How it ended, with what it printed on its two ways."""

    code: int
    output: bytes
    words: bytes


async def start(*command: str, env: Mapping[str, str], cwd: Path | None = None, stdin: int = DEVNULL) -> Process:
    """The program, in a session of its own. Raises `OSError` where it cannot be started."""
    # Outside of any group, which would cancel it half-way; it is waited for in any case.
    starting = asyncio.create_task(  # noqa: TID251
        asyncio.create_subprocess_exec(
            *command, env=env, cwd=cwd, start_new_session=True, stdin=stdin, stdout=PIPE, stderr=PIPE
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # It may run by now: asyncio would end it alone, and leave what it has begun.
        with contextlib.suppress(OSError):
            await _end(await starting)
        raise


async def answer_of(
    process: Process, *, within_s: float, most_output: int, most_words: int, given: bytes = b""
) -> Answer:
    """The answer of a program from `start`; what is beyond a bound, in bytes, is let go of.

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


async def _end(process: Process) -> None:
    # The whole session: git and login plugins start helpers of their own.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()
