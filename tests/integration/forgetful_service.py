"""The service of the soak with a defect: it acknowledges alerts of which it keeps all but every tenth."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.adapters.store.signals import SqlSignalStore
from kubernaut.domain.signals import Signal
from kubernaut.entrypoints.readiness import soaked_service

accept = SqlSignalStore.accept


async def accept_most(self: SqlSignalStore, signals: Sequence[Signal]) -> None:
    await accept(self, [one for one in signals if not one.labels["soak"].endswith("7")])


if __name__ == "__main__":
    # Only in the program of its own: who imports this is not meant to forget.
    SqlSignalStore.accept = accept_most  # type: ignore[method-assign]
    soaked_service.main()
