"""Texts that are kept until a moment, in memory."""

from __future__ import annotations

from datetime import datetime


class MemoryShelf:
    """Forgets everything with the process."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[str, datetime]] = {}

    async def get(self, key: str, *, now: datetime) -> str | None:
        """The text that was put there, None where there is none or its time is over."""
        text, until = self._texts.get(key, ("", now))
        return text if until > now else None

    async def put(self, key: str, text: str, *, until: datetime) -> None:
        """Keeps the text; one of the same key goes."""
        self._texts[key] = (text, until)
