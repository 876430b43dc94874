from __future__ import annotations

from datetime import timedelta

from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.retention import BATCH, Retention
from tests.examples import NOON, a_signal
from tests.serving import StillClock


async def test_signals_older_than_the_kept_time_go_a_batch_at_a_time_and_younger_ones_stay() -> None:
    inbox = MemorySignalStore()
    old = [a_signal(after=timedelta(days=-3)) for _ in range(BATCH + 1)]
    young = a_signal(after=timedelta(days=-1))
    await inbox.accept([*old, young])
    for signal in [*old, young]:
        await inbox.set_aside(signal.id, reason="done", at=NOON)
    retention = Retention(inbox, StillClock(), keep=timedelta(days=2))

    assert [await retention.prune() for _ in range(3)] == [BATCH, 1, 0]

    assert list(inbox.received) == [young.id]
