"""What was read, as facts that can be cited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from kubernaut.domain.objects import ObjectRef

EvidenceId = NewType("EvidenceId", str)


class EvidenceSource(StrEnum):
    """Where a fact was read."""

    FIELD = "field"
    EVENT = "event"
    LOG = "log"
    CHANGE = "change"
    METRIC = "metric"
    ABSENCE = "absence"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact: `text` is what a person reads, `ref` where to look it up (a field path, an event, a log line).

    `absence` is a fact too ("no ConfigMap of that name"), but only where the list it was looked for in was read whole.
    """

    id: EvidenceId
    source: EvidenceSource
    object: ObjectRef
    ref: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotRead:
    """Something that was wanted and could not be read, and why."""

    what: str
    why: str
