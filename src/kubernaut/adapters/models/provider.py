"""A model provider as it was declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

_MILLION = 1_000_000


class Kind(StrEnum):
    """Which protocol it speaks."""

    OPENAI_COMPATIBLE = "openai-compatible"
    OPENAI = "openai"
    AZURE = "azure"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    BEDROCK = "bedrock"
    HOLMESGPT = "holmesgpt"


@dataclass(frozen=True, slots=True)
class Limits:
    """What it may be asked at once, and what it may cost; None does not restrict."""

    concurrency: int = 100
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    usd_per_minute: float | None = None
    usd_per_day: float | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    prompt: float = 0.0
    reply: float = 0.0

    def of(self, prompt_tokens: int, reply_tokens: int) -> float:
        """What these tokens cost."""
        return (prompt_tokens * self.prompt + reply_tokens * self.reply) / _MILLION


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider; two that are equal need not be connected anew.

    `endpoint` is the base URL, empty where the library knows it; of Bedrock it is the region. `window` is the model's
    context in tokens, `tools` whether it may look things up. `trouble` says why it cannot be used as it was declared
    (a key file that is not there).
    """

    name: str
    model: str
    kind: Kind = Kind.OPENAI_COMPATIBLE
    endpoint: str = ""
    key: str = field(default="", repr=False)
    api_version: str = ""
    timeout: timedelta = timedelta(seconds=30)
    window: int = 8192
    tools: bool = False
    limits: Limits = Limits()
    price: Price = Price()
    trouble: str = ""

    @property
    def label(self) -> str:
        """Its name in events and on pages."""
        return f"{self.name}:{self.model}" if self.model else self.name
