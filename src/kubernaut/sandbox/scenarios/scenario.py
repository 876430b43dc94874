"""What a scenario is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef
from kubernaut.sandbox.universe import Universe

MANAGER = "kubernaut"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault in the example system and what should become of its incident.

    `alone` scenarios disturb others and need a cluster of their own; `after` names the one that has to be closed
    first. `causes` are all the ids that would be right, and so are the endings in `expected`.
    """

    name: str
    alert: str
    target: ObjectRef
    expected: tuple[Ending, ...]
    causes: tuple[str, ...]
    inject: Callable[[Universe], None]
    control: bool = False
    alone: bool = False
    after: str = ""

    def writes(self, universe: Universe) -> int:
        """How many changes Kubernaut made in the scenario's namespace (to the node, where that is the target)."""
        found = universe.cluster.writes_by(MANAGER)
        if not self.target.namespace:
            return sum(1 for write in found if (write.kind, write.name) == (self.target.kind, self.target.name))
        return sum(1 for write in found if write.namespace == self.target.namespace)

    def passed(self, universe: Universe, ending: Ending, cause: str) -> bool:
        """Whether the incident ended as it should; a control also needs that nothing was written."""
        if self.control and self.writes(universe):
            return False
        return ending in self.expected and (not cause or cause in self.causes)
