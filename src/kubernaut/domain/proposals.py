"""What was proposed and not done, and what people did instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.execution import Intent
from kubernaut.domain.objects import ObjectRef, Uid


@dataclass(frozen=True, slots=True)
class Proposal:
    """A remedy as its dry run showed it; nothing was written.

    `intent` is None where it could not be previewed, which `refused` explains. `asks`: a person would have been asked
    first.
    """

    at: datetime
    call: ActionCall
    intent: Intent | None
    refused: str = ""
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """An object that was there, by its identity; `uid` is empty where there was none of that name."""

    object: ObjectRef
    uid: Uid


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at what was left to people.

    `well` is None where that cannot be seen. `well_since` is when it got well by its own times, not when we looked.
    `written_at` is the last time that somebody other than a controller wrote the object after the proposal. `around`
    is filled by the first look alone: what the fault may also be mended at. `over` says that the watch may end.
    """

    at: datetime
    firing: bool
    well: bool | None
    well_since: datetime | None = None
    restarts: int = 0
    written_at: datetime | None = None
    around: tuple[Known, ...] = ()
    over: bool = False


class Agreement(StrEnum):
    """What people did, held against the proposal."""

    SAME_CHANGE = "same_change"
    SAME_FIELD = "same_field"
    OTHER_CHANGE = "other_change"
    ELSEWHERE = "elsewhere"
    BY_ITSELF = "by_itself"
    NOT_HEALED = "not_healed"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class Written:
    """A change that somebody made after the proposal; `by` is the field manager, as the API server noted it."""

    object: ObjectRef
    by: str
    at: datetime | None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """How it ended without us. `mended_at` is when the fault was gone, by the times of the object or of the alert."""

    agreement: Agreement
    reason: str
    at: datetime
    mended_at: datetime | None = None
    told_by: str = ""
    changes: tuple[Written, ...] = ()
