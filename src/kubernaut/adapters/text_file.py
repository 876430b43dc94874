"""A file on disk that is read again when it changed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kubernaut.domain.errors import InputError
from kubernaut.ports.files import FileText

_LARGEST = 1024 * 1024


class WatchedFile:
    """Looks at size, time and inode: a mounted ConfigMap changes by a link that leads elsewhere."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self._path)

    async def read(self, known: str) -> FileText | None:
        """What it holds now, None while it is unchanged. Raises `InputError`."""
        return await asyncio.to_thread(self._read, known)

    def _read(self, known: str) -> FileText | None:
        try:
            status = self._path.stat()
            stamp = f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
            if stamp == known:
                return None
            if status.st_size > _LARGEST:
                raise InputError(f"{self._path}: larger than {_LARGEST} bytes")
            return FileText(stamp, self._path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{self._path}: no UTF-8 text (byte {error.start})") from error
