"""What the checks stand on; each part is made when it is first asked for, and once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from kubernaut.entrypoints.readiness.crowd import Crowd, send_crowd
from kubernaut.entrypoints.readiness.rehearsed import QUICK, Played, play
from kubernaut.impact.inputs import ValueInputs


@dataclass
class Ground:
    """`inputs` are what the owner declared; ROI rests on them."""

    inputs: ValueInputs = field(default_factory=ValueInputs)
    quick: bool = False
    rehearsal: Played | None = None
    crowds: dict[bool, Crowd] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def played(self) -> Played:
        """The scenarios, played."""
        async with self._making:
            if self.rehearsal is None:
                self.rehearsal = await play(QUICK if self.quick else ())
            return self.rehearsal

    async def crowd(self, *, dead_model: bool = False) -> Crowd:
        """The alerts at once."""
        async with self._making:
            if dead_model not in self.crowds:
                self.crowds[dead_model] = await send_crowd(dead_model=dead_model)
            return self.crowds[dead_model]
