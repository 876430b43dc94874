"""Where a model is, and an analyst for it that costs nothing until it is asked."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol, cast

from kubernaut.domain.errors import ModelUnavailable
from kubernaut.ports import Analyst, Opinion, Question


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """An OpenAI-compatible server. `key_file` is read at the first question; None for a server without keys."""

    base_url: str
    model: str
    key_file: Path | None = None
    deadline: timedelta = timedelta(seconds=20)
    name: str = field(default="openai-compatible")


class ClosableAnalyst(Analyst, Protocol):
    """An analyst that holds connections."""

    async def aclose(self) -> None:
        """Gives the connections back."""


class LateAnalyst:
    """An analyst that is built at its first question.

    Its library takes seconds and 45 MiB to import, which a service whose rules are always sure never pays. `prepare`
    does it ahead of time, off the event loop.
    """

    def __init__(self, endpoint: ModelEndpoint) -> None:
        self._endpoint = endpoint
        self._analyst: ClosableAnalyst | None = None
        self._building = asyncio.Lock()

    async def prepare(self) -> ClosableAnalyst:
        """The analyst, ready to be asked."""
        async with self._building:
            if self._analyst is None:
                self._analyst = await asyncio.to_thread(_build, self._endpoint)
            return self._analyst

    async def analyse(self, question: Question) -> Opinion:
        """The opinion, validated against the question."""
        return await (await self.prepare()).analyse(question)

    async def aclose(self) -> None:
        """Gives the connections back; an analyst that was never asked has none."""
        if self._analyst is not None:
            await self._analyst.aclose()


def _build(endpoint: ModelEndpoint) -> ClosableAnalyst:
    try:
        key = endpoint.key_file.read_text().strip() if endpoint.key_file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ModelUnavailable(f"the key file {endpoint.key_file} cannot be read") from error
    module = importlib.import_module("kubernaut.adapters.models.openai_compatible")
    return cast("ClosableAnalyst", module.OpenAICompatibleAnalyst(endpoint, key=key))
