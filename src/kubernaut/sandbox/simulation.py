"""Runs the controllers: changes mark keys, keys are reconciled, and each may ask to be looked at again later.

Nothing here waits. `step` does the work that is due at a moment and says when the next is; the sandbox sleeps in
between on its clock, and a unit test jumps.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.storage import Change, Storage

Key = tuple[str, str]
_RETRY = timedelta(seconds=5)


class Reconciler(Protocol):
    """One controller: level-triggered, synchronous, and idempotent."""

    watches: frozenset[str]

    def affected(self, change: Change) -> Iterable[Key]:
        """The keys to look at again after the change of a watched kind."""

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Brings the object one step nearer; gives the moment to look again, None for not before a change."""


class Simulation:
    """The work queue of all controllers."""

    def __init__(self, storage: Storage, reconcilers: Sequence[Reconciler]) -> None:
        self._reconcilers = reconcilers
        self._by_kind: dict[str, list[int]] = defaultdict(list)
        for index, reconciler in enumerate(reconcilers):
            for kind in reconciler.watches:
                self._by_kind[kind].append(index)
        self._ready: dict[tuple[int, Key], None] = {}
        self._due: dict[tuple[int, Key], datetime] = {}
        self._timers: list[tuple[datetime, int, Key]] = []
        self._stopped: set[int] = set()
        self.wake: Callable[[], None] = lambda: None
        storage.listen(self._on_change)

    def _on_change(self, change: Change) -> None:
        for index in self._by_kind.get(change.kind.key, ()):
            for key in self._reconcilers[index].affected(change):
                self._ready[index, key] = None
        self.wake()

    def mark(self, reconciler: Reconciler, key: Key) -> None:
        """Asks for a look at the key without a change."""
        self._ready[self._reconcilers.index(reconciler), key] = None
        self.wake()

    def stop(self, *kinds: type) -> None:
        """Those controllers do nothing any more, as when their process has ended."""
        self._stopped |= {index for index, each in enumerate(self._reconcilers) if isinstance(each, kinds)}

    def step(self, now: datetime, *, budget: int = 100) -> datetime | None:
        """Does up to `budget` reconciliations; gives when the next is due: `now` where some are left."""
        while self._timers and self._timers[0][0] <= now:
            due, index, key = heapq.heappop(self._timers)
            # A timer that was set anew leaves its old entry in the heap, which then means nothing.
            if self._due.get((index, key)) == due:
                del self._due[index, key]
                self._ready[index, key] = None
        # Bounded, so that a fault that makes controllers write for ever does not starve the clock.
        for _ in range(budget):
            if not self._ready:
                return self._timers[0][0] if self._timers else None
            slot = next(iter(self._ready))
            del self._ready[slot]
            index, key = slot
            if index in self._stopped:
                continue
            try:
                again = self._reconcilers[index].reconcile(key, now)
            except Failure:
                # What the API refuses now (a namespace that is going, say) is tried again, as a work queue does.
                again = now + _RETRY
            if again is None:
                self._due.pop(slot, None)
            elif self._due.get(slot) != again:
                self._due[slot] = again
                heapq.heappush(self._timers, (again, index, key))
        return now

    def run_until(self, clock: SteppedClock, moment: datetime) -> None:
        """Does all work up to the moment, jumping from one due time to the next."""
        while True:
            due = self.step(clock.now())
            if due is None or due > moment:
                clock.move_to(moment)
                if due is None or due > moment:
                    break
            clock.move_to(due)
