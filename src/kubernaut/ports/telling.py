"""Channels to people, and figures for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import JsonObject


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told about an incident. The first line is the whole verdict."""

    incident: IncidentId
    title: str
    lines: tuple[str, ...]
    facts: JsonObject = field(default_factory=dict)


class Notifier(Protocol):
    """A channel to people."""

    async def send(self, message: Message) -> str:
        """Where it went, in words ("webhook https://…", "nowhere: no channel is set"). Raises `NotifyFailed`."""


class Meter(Protocol):
    """Counters, levels and timings for /metrics."""

    def count(self, name: str, by: float = 1, /, **labels: str) -> None:
        """Adds one, or as much as is given."""

    def level(self, name: str, value: float, /, **labels: str) -> None:
        """Sets what goes up and down."""

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration."""
