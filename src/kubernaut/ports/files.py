"""Files that people change while the service runs."""

from __future__ import annotations

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
