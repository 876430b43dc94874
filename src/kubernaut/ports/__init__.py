"""What the stages need from outside.

Each port has an in-memory fake in `adapters/memory/` and one contract suite for all its adapters.
"""

from __future__ import annotations

from kubernaut.ports.chance import Clock, Ids
from kubernaut.ports.cluster import ClusterReader, ClusterWriter, Listing, Resource, WatchEvent
from kubernaut.ports.incidents import Admission, Backlog, IncidentFilter, IncidentStore, SignalStore
from kubernaut.ports.metrics import Metrics
from kubernaut.ports.opinions import Analyst, Looked, Lookups, Opinion, Question, Shelf, Tool
from kubernaut.ports.patterns import Embedder, PatternFilter, PatternStore
from kubernaut.ports.sharing import Heartbeats, Leases, Suspension, Switch
from kubernaut.ports.telling import Message, Meter, Notifier
from kubernaut.ports.tracing import Place, Span, Tracer

__all__ = [
    "Admission",
    "Analyst",
    "Backlog",
    "Clock",
    "ClusterReader",
    "ClusterWriter",
    "Embedder",
    "Heartbeats",
    "Ids",
    "IncidentFilter",
    "IncidentStore",
    "Leases",
    "Listing",
    "Looked",
    "Lookups",
    "Message",
    "Meter",
    "Metrics",
    "Notifier",
    "Opinion",
    "PatternFilter",
    "PatternStore",
    "Place",
    "Question",
    "Resource",
    "Shelf",
    "SignalStore",
    "Span",
    "Suspension",
    "Switch",
    "Tool",
    "Tracer",
    "WatchEvent",
]
