"""What Prometheus has measured."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from kubernaut.domain.measures import Asked, Series


class Metrics(Protocol):
    """Reads of a Prometheus-compatible server. Raises `MetricsUnavailable`: no answer is never "nothing measured"."""

    async def measure(self, asked: Asked, *, at: datetime) -> list[Series]:
        """The series of the answer: the values at that moment, or over the query's reach before it."""
