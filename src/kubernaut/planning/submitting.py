"""Proposals in the place of changes that an object's owner would put back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.domain.ownership import Claim
from kubernaut.domain.plans import Candidate
from kubernaut.domain.sources import PROPOSE, DeclaredSource, proposal_of, source_of
from kubernaut.planning.choosing import Weighing
from kubernaut.planning.policy.ruling import OWNED, owned_reason

# Who would put back what a call would change, as the cluster is now; None where nobody would.
Claims = Callable[[ActionCall], Awaitable[Claim | None]]


async def nobody(_call: ActionCall) -> Claim | None:
    """Where nothing is owned."""
    return None


@dataclass(frozen=True, slots=True)
class Submissions:
    """The declared sources, the actions whose change can stand in a manifest, and who tells of owners."""

    sources: Sequence[DeclaredSource] = ()
    actions: frozenset[ActionId] = frozenset()
    claims: Claims = nobody

    async def judged(
        self, ranked: Sequence[Candidate], weighing: Weighing
    ) -> tuple[tuple[Candidate, ...], tuple[JsonObject, ...]]:
        """The candidates with what owners claim of each, and why those that are proposed instead are not done."""
        known = [await self.claimed(each, weighing) for each in ranked]
        kept = self.instead(known, weighing.case.survey.item)
        notes: list[JsonObject] = [
            {
                "action": each.call.action, "guard": OWNED, "rule": "", "then": "propose",
                "reason": owned_reason(weighing.facts(each)), "line": 0,
            }
            for each in known
            if each not in kept
        ]  # fmt: skip
        return kept, tuple(notes)

    async def claimed(self, candidate: Candidate, weighing: Weighing) -> Candidate:
        """The candidate with the claim of an owner, and the rule that allows it as a stop-gap, if there are any."""
        if candidate.call.action == PROPOSE:
            return candidate
        # Asked of the live object for each call: who owns one of its fields need not own another.
        claim = await self.claims(candidate.call)
        owned = replace(candidate, claim=claim, stop_gap="")
        rule = weighing.policy.stop_gap(weighing.facts(owned), weighing.case.now) if claim else None
        return replace(owned, stop_gap=rule.rule) if rule else owned

    def instead(self, ranked: Sequence[Candidate], item: KubeObject | None) -> tuple[Candidate, ...]:
        """The candidates, with the best of those that the owner would put back as a proposal to the owner.

        One proposal is enough: the others are left out, since people decide about the first one. What is allowed as a
        stop-gap stays as it is.
        """
        if item is None or not self.sources or source_of(item, self.sources) is None:
            return tuple(ranked)
        found: list[Candidate] = []
        for each in ranked:
            if each.claim is None or each.stop_gap or each.call.action not in self.actions:
                found.append(each)
            elif not any(other.call.action == PROPOSE for other in found):
                found.append(Candidate(proposal_of(each.call), 0, 0, 0.0, claim=each.claim))
        return tuple(found)
