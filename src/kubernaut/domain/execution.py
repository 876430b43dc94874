"""What was done to the cluster, and whether it helped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from kubernaut.domain.changes import Change, WayBack
from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.objects import JsonObject, ObjectRef, Uid
from kubernaut.domain.ownership import Claim


@dataclass(frozen=True, slots=True)
class Preview:
    """What the API server said it would do: the change, the lines of its diff, its reach in words, its warnings."""

    call: ActionCall
    change: Change
    diff: tuple[str, ...]
    reach: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """What a later part waits for: the object is not at that resourceVersion any more, so its owner has acted."""

    target: ObjectRef
    resource_version: str
    kind: Literal["moved"] = "moved"


@dataclass(frozen=True, slots=True)
class Gone:
    """What a later part waits for: the object of that uid is not there any more."""

    target: ObjectRef
    uid: Uid
    kind: Literal["gone"] = "gone"


@dataclass(frozen=True, slots=True)
class Intent:
    """Written before anything is touched: the change, the object as it was, and how to take it back.

    `undo` is None where nothing has to be taken back (a deleted pod is replaced by its controller). A remedy of many
    objects has its other changes in `further`, in the order in which they are made, each with its own way back; they
    wait up to `patience_s` for budgets and owners. `together` says that all are taken back where one cannot be made.
    `stop_gap` is the claim of the owner who is going to put it back, where it is done all the same.
    """

    preview: Preview
    snapshot: JsonObject
    undo: WayBack | None
    further: tuple[Intent, ...] = ()
    after: Moved | Gone | None = None
    patience_s: int = 0
    together: bool = True
    stop_gap: Claim | None = None

    @property
    def parts(self) -> tuple[Intent, ...]:
        """Its own change and the further ones, in order."""
        return (self, *self.further)

    @property
    def can_be_undone(self) -> bool:
        """Whether there is anything to take back."""
        return any(part.undo is not None for part in self.parts)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing is going to be done: `guard` is the name of the rule, `help` the command that would lift it."""

    guard: str
    reason: str
    help: str = ""


class Applied(StrEnum):
    """How the write went; `already` is what a replayed step finds."""

    DONE = "done"
    ALREADY = "already"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Execution:
    """One action on the cluster; `reason` says why where it was refused, `warnings` what the API server warned of.

    `left` names the parts of a refused remedy that were done and could not be taken back.
    """

    intent: Intent | None
    applied: Applied
    reason: str
    at: datetime
    warnings: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at the target of an action saw.

    `healthy` of `desired` units are well: ready pods, ready endpoints with the right port, or a node. `settled` is
    False while a rollout is under way. `baseline` is the share that was well before the action. `alert_firing`,
    `metrics` (0..1, the share of metric checks that pass) and `baseline` are None where they were not measured.
    `drift` names a field that no longer holds what we wrote, `drift_by` the field manager that wrote it since and is no
    person's tool, `reverted_by` the owner who put it back; `problem` says what is wrong with units that are not well.
    """

    at: datetime
    found: bool
    settled: bool
    healthy: int
    desired: int
    restarts: int
    alert_firing: bool | None = None
    metrics: float | None = None
    baseline: float | None = None
    drift: str = ""
    problem: str = ""
    drift_by: str = ""
    reverted_by: str = ""

    @property
    def share(self) -> float:
        """The share of units that are well; nothing wanted is nothing well."""
        return min(1.0, self.healthy / self.desired) if self.found and self.desired > 0 else 0.0


class Effect(StrEnum):
    """What verification says. `prepared`: a strategy's step is in force that was not meant to heal by itself.

    `reverted`: the owner of what was changed has put it back, so nothing is known of the remedy and nothing stands.
    """

    HEALED = "healed"
    PREPARED = "prepared"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    REVERTED = "reverted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Score:
    """One part of the proof: points of its weight, or not measured (`points` None) with the reason in `text`."""

    part: str
    points: float | None
    weight: int
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The effect with its score in 0..100, re-weighted over the parts that could be measured."""

    effect: Effect
    score: float | None
    parts: tuple[Score, ...]
    reason: str
    at: datetime
