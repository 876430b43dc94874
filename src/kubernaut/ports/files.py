"""Files that people change while the service runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FileText:
    """What a file held; `stamp` changes whenever the file does."""

    stamp: str
    text: str


class TextFile(Protocol):
    """One file of text."""

    @property
    def name(self) -> str:
        """What people call it: its path."""

    async def read(self, known: str) -> FileText | None:
        """What it holds now, None while its stamp is still `known`. Raises `InputError` where it cannot be read."""


class TextFolder(Protocol):
    """Files of text in one place."""

    @property
    def name(self) -> str:
        """What people call it: its path."""

    async def read(self) -> Mapping[str, str]:
        """What its files hold now, by their paths, in order. Raises `InputError` where one cannot be read."""
