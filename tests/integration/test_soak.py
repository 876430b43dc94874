"""The soak of readiness, with the service as it is and with one that loses what it acknowledged."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from kubernaut.entrypoints.readiness.availability import judged
from kubernaut.entrypoints.readiness.gate import Gate, Mode
from kubernaut.entrypoints.readiness.soak import Soak, run_soak
from tests.integration import forgetful_service

SHORT = Soak(seconds=6.0, rate=20.0)


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_while_the_service_is_killed_and_cut_off() -> None:
    soaked = await run_soak(SHORT)

    measured = judged(soaked)
    assert measured.reached, measured.figure
    assert soaked.starts > 2
    assert soaked.chain_is_whole
    assert len(soaked.faults) == 11


@pytest.mark.slow
async def test_a_service_that_acknowledges_what_it_does_not_keep_is_short() -> None:
    program = (sys.executable, "-m", forgetful_service.__name__)

    soaked = await run_soak(replace(SHORT, seconds=3.0, program=program))

    measured = judged(soaked)
    assert not measured.reached
    assert soaked.lost == [7, 17, 27, 37, 47, 57]
    assert "6 lost" in measured.figure


async def test_a_gate_passes_on_until_it_is_shut_and_again_when_it_is_open() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError), closing(writer):
            while line := await reader.readline():
                writer.write(line)

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    with closing(server):
        async with Gate(server.sockets[0].getsockname()[1], delay_s=0.0) as gate:
            assert await said_back(gate) == b"hello\n"
            gate.put(Mode.SLOW)
            assert await said_back(gate) == b"hello\n"
            gate.put(Mode.GONE)
            assert await said_back(gate) == b""
            gate.put(Mode.OPEN)
            assert await said_back(gate) == b"hello\n"


async def test_a_silent_gate_keeps_what_was_said_until_it_is_open() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            writer.write(await reader.readline())

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    with closing(server):
        async with Gate(server.sockets[0].getsockname()[1]) as gate:
            gate.put(Mode.SILENT)
            reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
            with closing(writer):
                writer.write(b"hello\n")
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await reader.readline()
                gate.put(Mode.OPEN)
                assert await reader.readline() == b"hello\n"


async def said_back(gate: Gate) -> bytes:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        with closing(writer):
            writer.write(b"hello\n")
            line = await reader.readline()
    except ConnectionError:
        return b""
    return line
