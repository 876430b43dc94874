"""Spans sent to a collector by OTLP over HTTP, with OpenTelemetry's own SDK (the extra `traces`).

The trace of an incident has the first 16 bytes of SHA-256 of its id, in words: `printf %s ID | sha256sum | cut -c1-32`.
Its alert and its incident have ids made the same way, so that steps of several processes hang under them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from kubernaut.domain.incidents import IncidentId
from kubernaut.ports import Place, Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_PARENT: Mapping[Place, Place | None] = {
    Place.ALERT: None,
    Place.INCIDENT: Place.ALERT,
    Place.BELOW_ALERT: Place.ALERT,
    Place.BELOW_INCIDENT: Place.INCIDENT,
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a batch gathers and may take; what does not fit into the queue meanwhile is dropped."""

    gather_s: float = 2.0
    send_s: float = 10.0
    queue: int = 4096


class OtlpTracer:
    """Sends from a thread of its own; a collector that does not answer costs spans and nothing else."""

    def __init__(self, endpoint: str, *, version: str, replica: str, patience: Patience = Patience()) -> None:
        self._resource = Resource.create(
            {"service.name": "kubernaut", "service.version": version, "service.instance.id": replica}
        )
        self._scope = InstrumentationScope("kubernaut", version)
        self._sender = BatchSpanProcessor(
            OTLPSpanExporter(endpoint=endpoint, timeout=patience.send_s),
            max_queue_size=patience.queue,
            schedule_delay_millis=1000 * patience.gather_s,
        )

    def record(self, span: Span) -> None:
        """Takes a finished span; returns at once."""
        parent = _PARENT[span.place]
        status = Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET)
        own = span.place if span.place in {Place.ALERT, Place.INCIDENT} else None
        self._sender.on_end(
            ReadableSpan(
                span.name,
                _context(span.incident, own),
                parent=_context(span.incident, parent) if parent else None,
                resource=self._resource,
                attributes={"kubernaut.incident": span.incident, **span.facts},
                kind=SpanKind.CONSUMER if span.place is Place.ALERT else SpanKind.INTERNAL,
                status=status,
                start_time=_nanoseconds(span.began),
                end_time=_nanoseconds(span.ended),
                instrumentation_scope=self._scope,
            )
        )

    async def aclose(self) -> None:
        """Sends what has gathered, within the time that one batch may take."""
        await asyncio.to_thread(self._sender.shutdown)


def trace_id(incident: IncidentId) -> int:
    """The id of the incident's trace."""
    # From the id alone, so that every process that works on an incident writes to one trace without talking to the
    # others.
    return int.from_bytes(sha256(incident.encode()).digest()[:16])


def _context(incident: IncidentId, place: Place | None) -> SpanContext:
    """The place of a span whose id others know, or of one of its own."""
    known = sha256(f"{place} {incident}".encode()).digest()[:8]
    own = int.from_bytes(known) if place else secrets.randbits(64) or 1
    return SpanContext(trace_id(incident), own, is_remote=False, trace_flags=_SAMPLED)


def _nanoseconds(at: datetime) -> int:
    # In whole numbers: a float of seconds since 1970 is sure to a few hundred nanoseconds only.
    return (at - _EPOCH) // _MICROSECOND * 1000
