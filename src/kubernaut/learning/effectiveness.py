"""How often an action healed a cause, counted from events, and how sure that is.

The record of an action is the lower bound of the 95 % score interval of Wilson (1927, JASA 22:209-212):

    (p + z²/2n - z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)    with p = healed/n, z = 1.959964

One success of one is 0.21, nine of ten 0.60, 90 of 100 0.83: little experience counts little, and an action that was
never tried has 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kubernaut.domain.diagnosis import ActionId, CauseId
from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Tree
from kubernaut.domain.shares import wilson_interval
from kubernaut.ports import IncidentStore

_PAGE = 1000


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


def add_verified(kept: dict[tuple[CauseId, ActionId], Record], event: Event) -> None:
    """Counts one `verified` event, which names the cause and the action that were tried."""
    body = Tree(event.body)
    key = CauseId(body.text("cause")), ActionId(body.text("action"))
    if all(key):
        record = kept.get(key, Record(*key))
        healed = body.text("verification", "effect") == Effect.HEALED
        kept[key] = replace(record, tried=record.tried + 1, healed=record.healed + healed)


class TrackRecord:
    """The records of all causes and actions, brought up to date from the event log at each question."""

    def __init__(self, incidents: IncidentStore) -> None:
        self._incidents = incidents
        self._records: dict[tuple[CauseId, ActionId], Record] = {}
        self._seen = 0

    async def of(self, cause: CauseId) -> dict[ActionId, tuple[int, int, float]]:
        """(healed, tried, 95 % lower bound) of every action that was tried for the cause."""
        while events := await self._incidents.events(after=self._seen, kinds=(EventKind.VERIFIED,), limit=_PAGE):
            for event in events:
                # Two questions at once may read the same page: an event counts for whoever comes first.
                if event.seq > self._seen:
                    self._seen = event.seq
                    add_verified(self._records, event)
        return {
            action: (record.healed, record.tried, record.lower_bound)
            for (known, action), record in self._records.items()
            if known == cause
        }
