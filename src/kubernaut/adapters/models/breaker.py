"""When a provider that fails is left alone, and when it is tried again.

    closed -- failures in a row, or one that will not pass by itself --> open
    open -- the pause is over --> half-open: one question is let through
    half-open -- it is answered --> closed;  it fails --> open, for twice as long

A value with functions from now to the next value: nothing here waits or looks at a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

# 15 s doubled ten times is four hours, beyond any longest pause; without a bound the number grows for ever.
_MOST_DOUBLINGS = 10


class Circuit(StrEnum):
    """Whether questions are let through."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """`failures` in a row open it for `pause`, which doubles with each failed trial up to `longest`."""

    failures: int = 3
    pause: timedelta = timedelta(seconds=15)
    longest: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one provider; `until` is when an open one may be tried."""

    policy: BreakerPolicy = BreakerPolicy()
    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    openings: int = 0
    until: datetime | None = None

    def admits(self, now: datetime) -> bool:
        """Whether a question may be asked now; a half-open one waits for its one trial."""
        match self.circuit:
            case Circuit.CLOSED:
                return True
            case Circuit.HALF_OPEN:
                return False
            case Circuit.OPEN:
                return self.until is None or now >= self.until

    def asked(self) -> Breaker:
        """After a question that it admitted went out."""
        return replace(self, circuit=Circuit.HALF_OPEN) if self.circuit is Circuit.OPEN else self

    def answered(self) -> Breaker:
        """After a usable reply. One that was asked for before the circuit opened does not close it."""
        # A whole new one: after one good reply the next failures count from nothing, and pauses are short again.
        return self if self.circuit is Circuit.OPEN else Breaker(self.policy)

    def failed(self, now: datetime, *, at_once: bool = False, wait: timedelta | None = None) -> Breaker:
        """After a failure; `at_once` for those that a second try does not mend, `wait` where the provider named it."""
        if self.circuit is Circuit.OPEN:
            # A question from before it opened tells nothing new, unless that one should wait longer.
            later = now + wait if wait else now
            return self if self.until is None or later <= self.until else replace(self, until=later)
        failures = self.failures + 1
        opens = at_once or wait is not None or self.circuit is Circuit.HALF_OPEN or failures >= self.policy.failures
        if not opens:
            return replace(self, failures=failures)
        pause = wait if wait is not None else self._pause()
        return replace(
            self,
            circuit=Circuit.OPEN,
            failures=failures,
            openings=self.openings + 1,
            until=now + min(pause, self.policy.longest),
        )

    def left(self, now: datetime) -> Breaker:
        """After a question that came to no end of its own (cancelled, outrun): a trial may be made again."""
        # Without it a cancelled trial would leave the circuit half-open, where nothing is ever admitted again.
        return replace(self, circuit=Circuit.OPEN, until=now) if self.circuit is Circuit.HALF_OPEN else self

    def _pause(self) -> timedelta:
        doubled: int = 2 ** min(self.openings, _MOST_DOUBLINGS)
        return min(self.policy.pause * doubled, self.policy.longest)
