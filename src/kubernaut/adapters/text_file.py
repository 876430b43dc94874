"""Files on disk that are read again when they changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from kubernaut.domain.errors import InputError
from kubernaut.ports.files import FileText

_LARGEST = 1024 * 1024
_MOST_FILES = 100


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
        return await asyncio.to_thread(self.look, known)

    def look(self, known: str) -> FileText | None:
        """The same, at once."""
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


class WatchedFolder:
    """The YAML files of a folder, without its folders and what is hidden: a mounted ConfigMap holds both."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Path, FileText] = {}

    @property
    def name(self) -> str:
        """Its path."""
        return str(self._path)

    async def read(self) -> Mapping[str, str]:
        """What its files hold now. Raises `InputError`."""
        return await asyncio.to_thread(self.look)

    def look(self) -> Mapping[str, str]:
        """The same, at once."""
        try:
            paths = sorted(path for path in self._path.iterdir() if _is_text(path))
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror or error}") from error
        if len(paths) > _MOST_FILES:
            raise InputError(f"{self._path}: {len(paths)} files, and {_MOST_FILES} are taken")
        self._known = {path: self._text(path) for path in paths}
        return {str(path): text.text for path, text in self._known.items()}

    def _text(self, path: Path) -> FileText:
        before = self._known.get(path)
        now = WatchedFile(path).look(before.stamp if before else "")
        return now or before or FileText("", "")


def _is_text(path: Path) -> bool:
    return path.suffix in {".yaml", ".yml"} and not path.name.startswith(".") and path.is_file()
