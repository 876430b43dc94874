"""A service process that is started again whenever it ends."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.objects import JsonObject

_START_S = 60.0
_END_S = 30.0
_RESTART_S = 0.2


@dataclass
class KeptUp:
    """Starts the process again whenever it ends, as a kubelet does at first."""

    program: Sequence[str]
    settings: JsonObject
    log: Path
    starts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _ending: bool = False

    @property
    def address(self) -> str:
        """Where it answers."""
        http = self.settings["http"]
        return f"http://127.0.0.1:{http['port'] if isinstance(http, dict) else 0}"

    async def keep_up(self) -> None:
        """Runs until it is cancelled, or until the process has ended after `end`."""
        with self.log.open("ab") as log:
            while not self._ending:
                self._process = await asyncio.create_subprocess_exec(
                    *self.program, json.dumps(self.settings), stdout=asyncio.subprocess.DEVNULL, stderr=log
                )
                self.starts += 1
                try:
                    await self._process.wait()
                finally:
                    # Cancelled, or interrupted: no process of ours stays behind.
                    with suppress(ProcessLookupError):
                        self._process.kill()
                await asyncio.sleep(_RESTART_S)

    async def answers(self) -> None:
        """Returns once it listens; raises with the end of its log where it does not."""
        port = urlsplit(self.address).port or 0
        try:
            async with asyncio.timeout(_START_S):
                while True:
                    with suppress(OSError):
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                        writer.close()
                        return
                    await asyncio.sleep(_RESTART_S)
        except TimeoutError as error:
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-300:]
            raise KubernautError(f"the service of the soak did not start: {tail}") from error

    def signal(self, number: signal.Signals) -> None:
        """Sent to the process that runs, if one does."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def end(self) -> None:
        """Cleanly, and for good."""
        self._ending = True
        self.signal(signal.SIGTERM)
        if self._process is not None:
            try:
                async with asyncio.timeout(_END_S):
                    await self._process.wait()
            except TimeoutError:
                self.signal(signal.SIGKILL)
                await self._process.wait()
