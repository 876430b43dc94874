"""How often an action healed a cause, counted from events, and how sure that is where it is to be applied.

What was verified h times to heal and m times not to is the posterior Beta(h + 1/2, m + 1/2) of the share that it heals
(Jeffreys' prior); its record is the 2.5 % quantile, and 0 where it never healed. One success of one is 0.15, nine of
ten 0.62, 90 of 100 0.83: little experience counts little.

Experience fades: what is older counts less, by half every 90 days, since clusters change. And it is local: what
happened in other namespaces counts a quarter, which is enough to prefer what helped elsewhere and little enough to be
overruled by what happens here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from kubernaut.domain.diagnosis import CauseId
from kubernaut.domain.execution import Effect
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Tree
from kubernaut.domain.plans import Standing, strategy_record
from kubernaut.ports import Clock, IncidentStore

HALF_LIFE = timedelta(days=90)
ELSEWHERE = 0.25

_TAIL = 0.025
# Enough for a thousand trials to six digits.
_TERMS = 60
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Faded:
    """Successes and failures as they count at that time."""

    at: datetime
    healed: float = 0.0
    failed: float = 0.0

    def seen(self, at: datetime, *, healed: bool) -> Faded:
        """With one more; an event that comes late has faded already."""
        now = max(self.at, at)
        then, fresh = _fading(now - self.at), _fading(now - at)
        return Faded(
            now,
            healed=self.healed * then + (fresh if healed else 0.0),
            failed=self.failed * then + (0.0 if healed else fresh),
        )

    def without_failure(self, at: datetime) -> Faded:
        """Without one failure that was seen then."""
        return replace(self, failed=max(0.0, self.failed - _fading(self.at - at)))


@dataclass(frozen=True, slots=True)
class Record:
    """What one action (or strategy) did for one cause. `tried` counts verified attempts; unknown effects did not heal.

    `seconds` is the sum of the watches, of `timed` attempts; `by_namespace` is what fades.
    """

    cause: CauseId
    action: str
    healed: int = 0
    tried: int = 0
    seconds: float = 0.0
    timed: int = 0
    by_namespace: Mapping[str, Faded] = field(default_factory=dict)

    def standing(self, namespace: str, now: datetime) -> Standing:
        """The record as it counts there and then."""
        healed = failed = 0.0
        for place, faded in self.by_namespace.items():
            # Fractions of a trial are as good as whole ones to a Beta posterior.
            weight = (1.0 if place == namespace else ELSEWHERE) * _fading(now - faded.at)
            healed += weight * faded.healed
            failed += weight * faded.failed
        bound = beta_lower_bound(healed, failed) if self.healed else 0.0
        return Standing(self.healed, self.tried, bound, self.seconds / self.timed if self.timed else None)


Records: TypeAlias = dict[tuple[CauseId, str], Record]


def _fading(age: timedelta) -> float:
    return float(0.5 ** (max(age, timedelta()) / HALF_LIFE))


def beta_lower_bound(healed: float, failed: float) -> float:
    """The 2.5 % quantile of Beta(healed + 1/2, failed + 1/2); the counts may be fractions."""
    low, high = 0.0, 1.0
    # Halving forty times leaves 1e-12, far below what is shown, and costs microseconds.
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _beta_share(healed + 0.5, failed + 0.5, middle) < _TAIL else (low, middle)
    return low


def _beta_share(a: float, b: float, x: float) -> float:
    """How much of Beta(a, b) lies below x: the regularised incomplete beta function (DLMF 8.17.22, from its tail)."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    # The continued fraction converges fast on this side of the mean only; the other side is its mirror.
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta_share(b, a, 1.0 - x)
    fraction = 1.0
    for m in range(_TERMS, 0, -1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        fraction = 1.0 + even / (1.0 + odd / fraction)
    first = -(a + b) * x / (a + 1)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) / (a * (1.0 + first / fraction))


def add_verified(kept: Records, event: Event) -> None:
    """Counts one `verified` event, which names the cause and the action that were tried."""
    body = Tree(event.body)
    key = CauseId(body.text("cause")), body.text("action")
    effect = body.text("verification", "effect")
    # A step that only prepared the next was not meant to heal, so it has not failed to.
    if not all(key) or effect == Effect.PREPARED:
        return
    record = kept.get(key, Record(*key))
    healed = effect == Effect.HEALED
    namespace, took = body.text("namespace"), body.at("watched_s")
    known = record.by_namespace.get(namespace, Faded(event.at))
    timed = isinstance(took, int | float)
    kept[key] = replace(
        record,
        tried=record.tried + 1,
        healed=record.healed + healed,
        seconds=record.seconds + (float(took) if isinstance(took, int | float) else 0.0),
        timed=record.timed + timed,
        by_namespace={**record.by_namespace, namespace: known.seen(event.at, healed=healed)},
    )


class StrategyCount:
    """What strategies of several steps did: one trial an incident, healed where any of its steps healed.

    A step that did not help counts as the strategy's failure until a later one heals: then it is a success after all.
    """

    def __init__(self) -> None:
        self._failing: dict[tuple[IncidentId, str], tuple[tuple[CauseId, str], str, datetime]] = {}

    def add(self, kept: Records, event: Event) -> None:
        """Counts one `verified` event where it is about a strategy's step."""
        body = Tree(event.body)
        strategy, effect = body.text("strategy"), body.text("verification", "effect")
        if not strategy or effect == Effect.PREPARED:
            return
        run = event.incident, strategy
        if effect == Effect.HEALED:
            before = self._failing.pop(run, None)
            if before is not None:
                self._forget(kept, *before)
        # Steps of one strategy in one incident are one trial: a second failing step is the same failure.
        elif run in self._failing:
            return
        key = CauseId(body.text("cause")), strategy_record(strategy)
        namespace = body.text("namespace")
        record = kept.get(key, Record(*key))
        known = record.by_namespace.get(namespace, Faded(event.at))
        healed = effect == Effect.HEALED
        places = {**record.by_namespace, namespace: known.seen(event.at, healed=healed)}
        kept[key] = replace(record, tried=record.tried + 1, healed=record.healed + healed, by_namespace=places)
        if not healed:
            self._failing[run] = key, namespace, event.at

    def _forget(self, kept: Records, key: tuple[CauseId, str], namespace: str, at: datetime) -> None:
        record = kept[key]
        faded = record.by_namespace[namespace]
        places = {**record.by_namespace, namespace: faded.without_failure(at)}
        kept[key] = replace(record, tried=record.tried - 1, by_namespace=places)


class TrackRecord:
    """The records of all causes, actions and strategies, brought up to date from the event log at each question."""

    def __init__(self, incidents: IncidentStore, clock: Clock) -> None:
        self._incidents = incidents
        self._clock = clock
        self._records: Records = {}
        self._strategies = StrategyCount()
        self._seen = 0

    async def of(self, cause: CauseId, namespace: str = "") -> dict[str, Standing]:
        """The standing of every action and strategy that was tried for the cause, as it counts in that namespace."""
        while events := await self._incidents.events(after=self._seen, kinds=(EventKind.VERIFIED,), limit=_PAGE):
            for event in events:
                # Two questions at once may read the same page: an event counts for whoever comes first.
                if event.seq > self._seen:
                    self._seen = event.seq
                    add_verified(self._records, event)
                    self._strategies.add(self._records, event)
        now = self._clock.now()
        return {
            name: record.standing(namespace, now) for (known, name), record in self._records.items() if known == cause
        }
