"""The declared providers, read again when a file behind them changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from kubernaut.adapters.models.provider import Provider
from kubernaut.domain.errors import SettingsError
from kubernaut.ports import Meter

# Questions come in bursts; one look a second is enough for people who edit files.
_LOOK_EVERY_S = 1.0

log = structlog.get_logger()


class ProviderList(Protocol):
    """The providers that are declared now, in their order."""

    async def current(self) -> tuple[Provider, ...]:
        """Them."""


@dataclass(frozen=True, slots=True)
class FixedProviders:
    """A list that nobody changes."""

    providers: tuple[Provider, ...]

    async def current(self) -> tuple[Provider, ...]:
        """Them."""
        return self.providers


@dataclass(frozen=True, slots=True)
class Declared:
    """Providers, and the files whose change means that they have to be read again."""

    providers: tuple[Provider, ...]
    files: frozenset[Path]


class WatchedProviders:
    """Reads again when one of the files changes; what cannot be read then leaves the former list in force."""

    def __init__(self, read: Callable[[], Declared], first: Declared, meter: Meter) -> None:
        self._read = read
        self._declared = first
        self._meter = meter
        self._seen = _stamps(first.files)
        self._looked = time.monotonic()
        self._reading = asyncio.Lock()

    async def current(self) -> tuple[Provider, ...]:
        """The list in force."""
        async with self._reading:
            if time.monotonic() - self._looked >= _LOOK_EVERY_S:
                await self.look()
            return self._declared.providers

    async def look(self) -> None:
        """Reads again where a file changed since the last look."""
        self._looked = time.monotonic()
        stamps = _stamps(self._declared.files)
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            self._declared = await asyncio.to_thread(self._read)
        except SettingsError as error:
            # Said once for each change, and visible in the metrics until it is mended.
            log.warning("model settings not taken, the former ones stay in force", reason=str(error))
            self._meter.level("model_settings_refused", 1)
            return
        self._seen = _stamps(self._declared.files)
        self._meter.level("model_settings_refused", 0)
        log.info("model settings read again", providers=[one.name for one in self._declared.providers])


def _stamps(files: Iterable[Path]) -> Mapping[Path, tuple[int, int, int]]:
    """What changes with a file: time, size and inode, the last because a mounted ConfigMap is exchanged whole."""
    return {path: _stamp(path) for path in files}


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
