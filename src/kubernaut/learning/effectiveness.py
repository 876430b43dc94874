"""How often an action healed a cause, counted from events, and how sure that is.

The record of an action is the lower bound of the 95 % score interval of Wilson (1927, JASA 22:209-212):

    (p + z²/2n - z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)    with p = healed/n, z = 1.959964

One success of one is 0.21, nine of ten 0.60, 90 of 100 0.83: little experience counts little, and an action that was
never tried has 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kubernaut.domain.diagnosis import ActionId, CauseId
from kubernaut.domain.execution import Applied, Effect
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Tree

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Record:
    """What one action did for one cause. `tried` counts verified attempts; an unknown effect did not heal."""

    cause: CauseId
    action: ActionId
    healed: int = 0
    tried: int = 0

    @property
    def lower_bound(self) -> float:
        """The 95 % Wilson bound of the share healed."""
        return wilson_interval(self.healed, self.tried)[0]


def wilson_interval(healed: int, tried: int) -> tuple[float, float]:
    """The 95 % score interval of a share; (0, 1) where nothing was tried."""
    if not 0 <= healed <= tried:
        raise ValueError(f"{healed} healed of {tried} tried")
    if tried == 0:
        return 0.0, 1.0
    share, square = healed / tried, _Z * _Z
    centre = share + square / (2 * tried)
    spread = _Z * math.sqrt(share * (1 - share) / tried + square / (4 * tried * tried))
    scale = 1 + square / tried
    # At the ends the bound is exactly the end; rounding must not say otherwise.
    low = 0.0 if healed == 0 else (centre - spread) / scale
    high = 1.0 if healed == tried else (centre + spread) / scale
    return low, high


def records(events: Iterable[Event]) -> Mapping[tuple[CauseId, ActionId], Record]:
    """A record of every cause and action that was tried and verified, from events in their order."""
    kept: dict[tuple[CauseId, ActionId], Record] = {}
    attempts: dict[IncidentId, _Attempt] = defaultdict(_Attempt)
    for event in events:
        attempt = attempts[event.incident]
        if event.kind is EventKind.VERIFIED and attempt.applied:
            key = CauseId(attempt.cause), ActionId(attempt.action)
            record = kept.get(key, Record(*key))
            healed = Tree(event.body).text("verification", "effect") == Effect.HEALED
            kept[key] = replace(record, tried=record.tried + 1, healed=record.healed + healed)
            attempts[event.incident] = replace(attempt, applied=False)
        else:
            attempts[event.incident] = _followed(attempt, event)
    return kept


@dataclass(frozen=True, slots=True)
class _Attempt:
    cause: str = ""
    action: str = ""
    applied: bool = False


def _followed(attempt: _Attempt, event: Event) -> _Attempt:
    body = Tree(event.body)
    match event.kind:
        case EventKind.DIAGNOSED:
            best = next(iter(body.trees("diagnosis", "hypotheses")), Tree({}))
            return replace(attempt, cause=best.text("cause"))
        case EventKind.INTENDED:
            return replace(attempt, action=body.text("intent", "preview", "call", "action"), applied=False)
        case EventKind.APPLIED:
            return replace(attempt, applied=body.text("execution", "applied") in {Applied.DONE, Applied.ALREADY})
        case _:
            return attempt
