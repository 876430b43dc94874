"""Spans in memory."""

from __future__ import annotations

from kubernaut.ports import Span


class MemoryTracer:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def record(self, span: Span) -> None:
        """Keeps the span."""
        self.spans.append(span)
