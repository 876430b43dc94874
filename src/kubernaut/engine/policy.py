"""How the durable engine paces itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from kubernaut.engine.retrying import RetryPolicy


def loop_time() -> float:
    """Seconds on a clock that nobody sets; whether it goes on while the machine sleeps is the system's to say."""
    return asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class EnginePolicy:
    """Bounds and rhythms.

    `pace` divides durable waits: 60 where a simulated clock runs sixty times faster than the wall. A dead process is
    taken over `stale_after` + `sweep_every` + 1 s after its last beat at the latest. `notice_every` is how often the
    database is asked, once for all runs that wait for one, for messages that other processes left. A run that was begun
    more than `begun_at_most` times takes its process down each time: it is given up. `clock` tells how old a beat is.
    """

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    steps_at_once: int = 16
    pace: float = 1.0
    beat_every: timedelta = timedelta(seconds=3)
    # Four missed beats: a pause of the collector or a slow commit is no death.
    stale_after: timedelta = timedelta(seconds=12)
    sweep_every: timedelta = timedelta(seconds=3)
    # Well within the 30 s that Kubernetes gives a pod between SIGTERM and SIGKILL.
    drain: timedelta = timedelta(seconds=10)
    notice_every: timedelta = timedelta(seconds=1)
    begun_at_most: int = 100
    clock: Callable[[], float] = loop_time
