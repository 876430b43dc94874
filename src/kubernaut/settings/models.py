"""Language models."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from kubernaut.domain.errors import SettingsError
from kubernaut.settings.environment import variables
from kubernaut.settings.section import Seconds, Section, Share, content_of, is_address


class ProviderSettings(Section):
    """One provider of a language model."""

    name: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][\w.-]*$")
    """Its name in events and metrics."""
    model: str = ""
    """The model's id at that provider; of `holmesgpt` a name of its model list, or nothing."""
    kind: Literal["openai-compatible", "openai", "azure", "anthropic", "gemini", "bedrock", "holmesgpt"] = (
        "openai-compatible"
    )
    """Its protocol. `anthropic`, `gemini` and `bedrock` need the extra of that name; `holmesgpt` is no model but an
    investigator with tools of its own."""
    endpoint: str = ""
    """Base URL such as `http://127.0.0.1:11434/v1`, of `holmesgpt` without a path, of `bedrock` the region. Empty where
    the provider has one."""
    key_file: Path | None = None
    """File that holds the key, read again when it changes; none where the provider wants none."""
    key_env: str | None = None
    """Variable that holds the key, where there is no file."""
    api_version: str = ""
    """Of `azure` only."""
    timeout_s: Seconds = 30.0
    """Deadline of one question to this provider, re-prompts included."""
    window_tokens: int = Field(default=8192, ge=1024, le=10_000_000)
    """The model's context; a question is shortened until it fits."""
    tools: bool | None = None
    """Whether it may look up more before it answers; by default only kinds whose models are made for it may. A server
    that refuses tools is asked without."""
    concurrency: int = Field(default=100, ge=1, le=1000)
    """Questions at once; lower it for a server that answers one after the other."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Tokens it may take in a minute."""
    tokens_per_day: int | None = Field(default=None, ge=1)
    """Tokens it may take in a day."""
    usd_per_minute: float | None = Field(default=None, gt=0)
    """What it may cost in a minute."""
    usd_per_day: float | None = Field(default=None, gt=0)
    """What it may cost in a day."""
    usd_per_million_prompt_tokens: float = Field(default=0.0, ge=0)
    """Price of what is sent."""
    usd_per_million_reply_tokens: float = Field(default=0.0, ge=0)
    """Price of what is answered."""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if not self.model and self.kind != "holmesgpt":
            raise ValueError("a provider needs a model")
        if self.kind in {"openai-compatible", "azure", "bedrock", "holmesgpt"} and not self.endpoint:
            raise ValueError(f"a provider of kind {self.kind} needs an endpoint")
        if self.endpoint and self.kind != "bedrock" and not is_address(self.endpoint):
            raise ValueError("endpoint: not a URL such as http://127.0.0.1:11434/v1")
        if self.kind == "azure" and not self.api_version:
            raise ValueError("a provider of kind azure needs an api_version")
        return self

    def key(self) -> str:
        """The key as it is now, empty where none is wanted. Raises `SettingsError` where it is not there."""
        if self.key_file is not None:
            return content_of(self.key_file, "key_file")
        if self.key_env is None:
            return ""
        key = variables().get(self.key_env)
        if not key:
            raise SettingsError(f"key_env: {self.key_env} is not set")
        return key


class ModelsSettings(Section):
    """Language models, asked only where the rules are unsure. Taken over without a restart when the file changes."""

    providers: tuple[ProviderSettings, ...] = ()
    """In the order in which they are asked; see below."""
    ask_below: Share = 0.6
    """A model is asked where the rules are less sure than this. Read at the start only."""
    deadline_s: Seconds = 60.0
    """Deadline of a question, whatever the number of providers; then the rules decide. Read at the start only."""
    hedge_after_s: Seconds | None = None
    """Seconds after which the next provider is asked beside a slow one. Read at the start only."""
    keep_answers_s: float = Field(default=900.0, ge=0, le=86_400)
    """Seconds for which the answer to an equal question is taken again; 0 keeps none. Read at the start only."""
    failures: int = Field(default=3, ge=1, le=100)
    """Failures in a row after which a provider is left alone for a while. Read at the start only."""
    pause_s: Seconds = 15.0
    """That while, doubled with each failed trial. Read at the start only."""
    hide: tuple[Literal["email", "ip"], ...] = ()
    """What is hidden from models beside secrets. Read at the start only."""

    @field_validator("hide", mode="before")
    @classmethod
    def _as_words(cls, given: object) -> object:
        # A variable holds them as `email,ip`.
        return tuple(word.strip() for word in given.split(",") if word.strip()) if isinstance(given, str) else given

    @field_validator("providers")
    @classmethod
    def _has_each_name_once(cls, providers: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
        names = [one.name for one in providers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"more than one provider is called {', '.join(twice)}")
        return providers
