"""Proposals in the place of changes that an object's owner would put back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.plans import Candidate
from kubernaut.domain.sources import PROPOSE, DeclaredSource, source_of


@dataclass(frozen=True, slots=True)
class Submissions:
    """The declared sources, and the actions whose change can stand in a manifest."""

    sources: Sequence[DeclaredSource] = ()
    actions: frozenset[ActionId] = frozenset()

    def instead(self, ranked: Sequence[Candidate], item: KubeObject | None) -> tuple[Candidate, ...]:
        """The candidates, with the best of those that would change the owned object as a proposal to its owner.

        One proposal is enough: the others are left out, since people decide about the first one.
        """
        if item is None or not self.sources or source_of(item, self.sources) is None:
            return tuple(ranked)
        found: list[Candidate] = []
        for each in ranked:
            if each.call.action not in self.actions or each.call.target != item.ref:
                found.append(each)
            elif not any(other.call.action == PROPOSE for other in found):
                parameters = json.dumps(dict(each.call.parameters), sort_keys=True)
                call = ActionCall(PROPOSE, item.ref, {"action": each.call.action, "parameters": parameters})
                found.append(Candidate(call, 0, 0, 0.0))
        return tuple(found)
