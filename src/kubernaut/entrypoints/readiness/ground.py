"""What the checks stand on; each part is made when it is first asked for, and once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from kubernaut.entrypoints.readiness.crowd import USUAL, Crowd, Crowding, send_crowd
from kubernaut.entrypoints.readiness.rehearsed import QUICK, Played, play
from kubernaut.entrypoints.readiness.soak import Soak, Soaked, run_soak
from kubernaut.impact.inputs import ValueInputs

_LONGEST_S = 540.0


@dataclass
class Ground:
    """`inputs` are what was declared, ROI rests on them; `options` are those of the command line, to repeat a check."""

    inputs: ValueInputs = field(default_factory=ValueInputs)
    declared_by: str = "in the settings"
    quick: bool = False
    soak: Soak = field(default_factory=Soak)
    options: str = ""
    rehearsal: Played | None = None
    soaking: Soaked | None = None
    crowds: dict[Crowding, Crowd] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def longest_s(self) -> float:
        """Ten minutes with room to spare; a soak that was asked for comes on top."""
        return _LONGEST_S + max(0.0, self.soak.seconds - Soak().seconds)

    def command(self, check: str) -> str:
        """What reproduces the figure of that check."""
        return f"kubernaut readiness --only {check}{self.options}"

    async def soaked(self) -> Soaked:
        """The service, killed and cut off while alerts come in."""
        async with self._making:
            if self.soaking is None:
                self.soaking = await run_soak(self.soak)
            return self.soaking

    async def played(self) -> Played:
        """The scenarios, played."""
        async with self._making:
            if self.rehearsal is None:
                self.rehearsal = await play(QUICK if self.quick else ())
            return self.rehearsal

    async def crowd(self, crowding: Crowding = USUAL) -> Crowd:
        """The alerts at once."""
        async with self._making:
            if crowding not in self.crowds:
                self.crowds[crowding] = await send_crowd(crowding)
            return self.crowds[crowding]
