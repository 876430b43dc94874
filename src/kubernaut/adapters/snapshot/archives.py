"""The files of a path: one file, a directory, a tar or a zip archive. Nothing is ever unpacked to the disk.

Links are not followed, so that an archive from a stranger cannot show files of this machine; names only label what
was found. What is read is counted as it comes out of the decompressor, so that a small file cannot stand for a
large one.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from kubernaut.adapters.snapshot.limits import LARGEST_FILE, LARGEST_SNAPSHOT, MOST_FILES, too_large, too_many
from kubernaut.domain.errors import SnapshotError

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_TAR_AT: Final = 257
_HEAD: Final = 512
_ENCRYPTED: Final = 1
_BROKEN: Final = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file of a snapshot. `name` is its path in the snapshot."""

    name: str
    content: bytes
    saved_at: datetime


def files_of(path: Path) -> Iterator[SavedFile]:
    """The regular files, in order of their names where it is a directory."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            yield from _of_directory(path)
        elif not stat.S_ISREG(found.st_mode):
            raise SnapshotError(f"{path} is neither a file nor a directory")
        else:
            yield from _of_file(path, _moment(found.st_mtime))
    except _BROKEN as error:
        raise SnapshotError(f"{path} is a broken archive: {error}", help="fetch or make it again") from error
    except OSError as error:
        raise SnapshotError(f"{path}: {error.strerror or error}", help="give a file or a directory") from error


class _Counted(io.RawIOBase):
    """A stream that refuses to give more than a bound."""

    def __init__(self, name: str, stream: IO[bytes] | gzip.GzipFile, bound: int) -> None:
        super().__init__()
        self._name, self._stream, self._left, self._bound = name, stream, bound, bound

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        content = self._stream.read(wanted)
        self._left -= len(content)
        if self._left < 0:
            raise too_large(self._name, self._bound)
        return content


def _of_directory(top: Path) -> Iterator[SavedFile]:
    count = total = 0
    for folder, folders, names in os.walk(top, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode):
                continue
            count, total = count + 1, total + found.st_size
            if count > MOST_FILES:
                raise too_many(str(top), "files", MOST_FILES)
            if total > LARGEST_SNAPSHOT:
                raise too_large(str(top), LARGEST_SNAPSHOT)
            with path.open("rb") as stream:
                content = _whole(str(path), stream)
            yield SavedFile(str(path.relative_to(top)), _inflated(str(path), content), _moment(found.st_mtime))


def _of_file(path: Path, saved_at: datetime) -> Iterator[SavedFile]:
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        stream.seek(0)
        if head.startswith(_ZIP):
            yield from _of_zip(path, stream)
        elif _is_tar(head):
            yield from _of_tar(path, stream)
        elif head.startswith(_GZIP):
            with gzip.open(stream) as inner:
                is_tar = _is_tar(inner.read(_HEAD))
            stream.seek(0)
            with gzip.open(stream) as inner:
                if is_tar:
                    yield from _of_tar(path, inner)
                else:
                    yield SavedFile(path.name.removesuffix(".gz"), _whole(str(path), inner), saved_at)
        else:
            yield SavedFile(path.name, _whole(str(path), stream), saved_at)


def _is_tar(head: bytes) -> bool:
    return head[_TAR_AT : _TAR_AT + 5] == b"ustar"


def _of_tar(path: Path, stream: IO[bytes] | gzip.GzipFile) -> Iterator[SavedFile]:
    counted = _Counted(str(path), stream, LARGEST_SNAPSHOT)
    with tarfile.open(fileobj=counted, mode="r|") as archive:
        for count, member in enumerate(archive, 1):
            if count > MOST_FILES:
                raise too_many(str(path), "files", MOST_FILES)
            # A sparse file is a few bytes that stand for many.
            if not member.isreg() or member.issparse():
                continue
            inner = archive.extractfile(member)
            if inner is not None:
                name = f"{path}: {member.name}"
                yield SavedFile(member.name, _inflated(name, _whole(name, inner)), _moment(member.mtime))


def _of_zip(path: Path, stream: IO[bytes]) -> Iterator[SavedFile]:
    left = LARGEST_SNAPSHOT
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if len(members) > MOST_FILES:
            raise too_many(str(path), "files", MOST_FILES)
        for member in members:
            mode = member.external_attr >> 16
            if member.is_dir() or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
                continue
            if member.flag_bits & _ENCRYPTED:
                raise SnapshotError(f"{path}: {member.filename} is encrypted", help="unpack it, and give the directory")
            with archive.open(member) as inner:
                name = f"{path}: {member.filename}"
                content = _whole(name, inner)
            left -= len(content)
            if left < 0:
                raise too_large(str(path), LARGEST_SNAPSHOT)
            yield SavedFile(member.filename, _inflated(name, content), _zip_moment(member))


def _whole(name: str, stream: IO[bytes] | gzip.GzipFile) -> bytes:
    content = stream.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise too_large(name, LARGEST_FILE)
    return content


def _inflated(name: str, content: bytes) -> bytes:
    """The content of a single file that was packed, as rotated logs in a must-gather are."""
    if not content.startswith(_GZIP):
        return content
    with gzip.open(io.BytesIO(content)) as inner:
        return _whole(name, inner)


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _zip_moment(member: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*member.date_time, tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
