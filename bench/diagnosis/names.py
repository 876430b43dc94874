"""Names drawn from a seed: those of any company's systems, and none that tells what was done to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_TEAMS = (
    "harbor", "meadow", "quarry", "summit", "lagoon", "prairie", "orchard", "glacier", "canyon", "delta", "ridge",
    "cove", "tundra", "savanna", "fjord", "mesa",
)  # fmt: skip
_SUBJECTS = (
    "parcel", "ledger", "basket", "ticket", "invoice", "roster", "recipe", "journey", "voucher", "catalog", "gallery",
    "meter", "seating", "tariff", "playlist", "garment", "beacon", "menu", "atlas", "reading",
)  # fmt: skip
_ROLES = ("api", "worker", "front", "gateway", "engine", "sync", "index", "relay", "desk", "board", "hub", "keeper")
_STORES = ("postgres", "redis", "mongo", "mysql", "rabbit", "search")
_NODES = ("node", "worker", "pool-a", "ip-10-3", "gke-std")
_WORDS = ("amber", "cobalt", "ivory", "jade", "onyx", "pearl", "ruby", "topaz", "opal", "coral", "slate", "copper")


class Names:
    """Draws names, each only once."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self._used: set[str] = set()

    def namespace(self) -> str:
        """A team's namespace."""
        suffix = self.draw.choice(("", "-prod", "-eu", "-live", "-shared"))
        return self._fresh(lambda: self.draw.choice(_TEAMS) + suffix)

    def workload(self) -> str:
        """A program."""
        return self._fresh(lambda: f"{self.draw.choice(_SUBJECTS)}-{self.draw.choice(_ROLES)}")

    def store(self) -> str:
        """Something that keeps records."""
        return self._fresh(lambda: f"{self.draw.choice(_SUBJECTS)}-{self.draw.choice(_STORES)}")

    def word(self) -> str:
        """A word that means nothing here."""
        return self._fresh(lambda: f"{self.draw.choice(_WORDS)}-{self.draw.choice(_SUBJECTS)}")

    def nodes(self, count: int) -> list[str]:
        """The nodes of a cluster."""
        stem = self.draw.choice(_NODES)
        return [f"{stem}-{self.draw.randint(10, 99)}{number}" for number in range(count)]

    def tag(self) -> str:
        """A version."""
        return f"{self.draw.randint(0, 8)}.{self.draw.randint(0, 19)}.{self.draw.randint(0, 9)}"

    def one(self, *choices: str) -> str:
        """One of them."""
        return self.draw.choice(choices)

    def _fresh(self, make: Callable[[], str]) -> str:
        name = make()
        while name in self._used:
            name = f"{make()}-{self.draw.randint(2, 99)}"
        self._used.add(name)
        return name


# What a name must not hold: whoever reads it would know what is the matter without looking.
HINTS: Sequence[str] = (
    "fault", "broken", "wrong", "fail", "crash", "missing", "denied", "bad", "error", "invalid", "expired", "stale",
    "oom", "leak", "stuck", "unready", "unknown", "nonexist", "control", "healthy", "twin", "noise", "test", "bench",
    "typo", "slow", "hang", "block", "lost", "quota", "probe", "limit",
)  # fmt: skip
