"""A stored decision with other remedies on offer, or with another word of a model: the ground of a backtest.

The events hold the diagnosis, the facts of every remedy that was weighed, and the object as it was where an action was
taken. Whatever else a strategy looks at makes the answer "not known", with the reason; it is never filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from kubernaut.domain.diagnosis import Diagnosis, Hypothesis
from kubernaut.domain.errors import InputError
from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.domain.plans import Candidate, Plan, Standing
from kubernaut.engine.codec import dump, load
from kubernaut.execution.catalogue import Catalogue, Risk
from kubernaut.planning.policy.facts import ActionFacts, HistoryFacts
from kubernaut.planning.ranking import rank
from kubernaut.planning.replaying import NotKnown, Stored
from kubernaut.planning.strategies.facts import facts_of
from kubernaut.planning.strategies.offering import Offer, offer
from kubernaut.planning.strategies.strategy import Known, Strategy
from kubernaut.planning.surveying import blast_of

UNREADABLE = "the diagnosis was stored in a form that is not read any more"
_AFTER_A_TRIAL = "what is offered after a first try hangs on what came of it"


@dataclass(frozen=True, slots=True)
class Ground:
    """What is stored of an incident beside the decision; `item` is the object before the first action, if any.

    `diagnosed` is the number of the event with the diagnosis.
    """

    diagnosis: Json
    item: JsonObject | None = None
    after_a_trial: bool = False
    diagnosed: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """A decision to take again; `offered` are its remedies, with the strategies that they are steps of.

    With a `plan` there is nothing to take again: that is what it comes to.
    """

    stored: Stored
    offered: tuple[Candidate, ...] = ()
    plan: Plan | None = None

    def named(self, plan: Plan) -> Plan:
        """The plan with its remedy as a step of its strategy, which a replay does not know of."""
        if plan.chosen is None:
            return plan
        call = plan.chosen.call
        return replace(plan, chosen=next((each for each in self.offered if each.call == call), plan.chosen))


@dataclass(frozen=True, slots=True)
class OtherStrategies:
    """A set of strategies in the place of the one that was in force."""

    strategies: Sequence[Strategy]
    known: Known
    catalogue: Catalogue

    def instead(self, stored: Stored, ground: Ground) -> Restored | NotKnown:
        """The decision with what this set offers, each with the record that was stored, an untried one with none."""
        if not stored.facts.raw:
            return Restored(stored)
        if ground.after_a_trial:
            return NotKnown(_AFTER_A_TRIAL)
        try:
            diagnosis = load(Diagnosis, ground.diagnosis)
        except ValidationError:
            return NotKnown(UNREADABLE)
        if diagnosis.best is None:
            return Restored(stored)
        offered = self._offered(diagnosis, diagnosis.best, stored, ground)
        return offered if isinstance(offered, NotKnown) else self._restored(stored, ground, offered)

    def _offered(
        self, diagnosis: Diagnosis, best: Hypothesis, stored: Stored, ground: Ground
    ) -> tuple[Candidate, ...] | NotKnown:
        looked = _Looked(diagnosis, best, stored, ground)
        found: Offer = offer(self.strategies, best, (), self.known, looked.facts)
        if looked.missing:
            return NotKnown("the object, which a strategy looks at, is stored only where an action was taken")
        declared = stored.facts.text("target", "keeper")
        if declared and any(each.course for each in found.fresh):
            return NotKnown(f"{declared} owns the object, so a change is proposed there; which one was not stored")
        weighed = {str(each.at("call")) for each in stored.ruling.trees("candidates")}
        if not weighed:
            return NotKnown("the facts of the other remedies were not stored")
        # What the cause recommends and was not weighed then had been ruled out before: tried lately, or rejected.
        left = [each for each in found.fresh if each.course or str(dump(each.call)) in weighed]
        risks = {action.id: list(Risk).index(action.risk) for action in self.catalogue}
        return rank(left, record=lambda one: _record(one, stored), risks=risks)

    def _restored(self, stored: Stored, ground: Ground, offered: Sequence[Candidate]) -> Restored | NotKnown:
        if not offered:
            return NotKnown("nothing would be offered, and what is told then hangs on what was tried before")
        told = {str(each.at("call")): each for each in stored.ruling.trees("candidates")}
        candidates: list[Json] = []
        for each in offered:
            known = told.get(str(dump(each.call)))
            differs = self._differs(each, stored, ground, known)
            if isinstance(differs, NotKnown):
                return differs
            candidates.append({"call": dump(each.call), "differs": differs})
        ruling = Tree({**stored.ruling.raw, "candidates": candidates})
        return Restored(replace(stored, ruling=ruling), tuple(offered))

    def _differs(
        self, candidate: Candidate, stored: Stored, ground: Ground, known: Tree | None
    ) -> JsonObject | NotKnown:
        """The facts of the remedy that are not those of the decision."""
        own = known.tree("differs").raw if known else {}
        before = load(HistoryFacts, {**stored.facts.tree("history").raw, **Tree(own).tree("history").raw})
        history = replace(before, healed=candidate.healed, tried=candidate.tried, lower_bound=candidate.lower_bound)
        if known is not None:
            return {**own, "history": dump(history)}
        call, action = candidate.call, self.catalogue[candidate.call.action]
        item = KubeObject(ground.item) if ground.item else None
        if item is None and (call.target.kind == "Pod" or "replicas" in call.parameters):
            return NotKnown(f"how much {call.action} would touch was not stored")
        blast: Json = dump(blast_of(call, item)) if item or call.target.kind == "Node" else stored.facts.at("blast")
        facts = ActionFacts(
            call.action, action.risk.value, action.reversible, dict(call.parameters), action.is_asked_about
        )
        return {"action": dump(facts), "blast": blast, "history": dump(history)}


@dataclass
class _Looked:
    """The facts for expressions; `missing` says that one wanted an object that was not stored."""

    diagnosis: Diagnosis
    best: Hypothesis
    stored: Stored
    ground: Ground
    missing: bool = field(default=False)

    def facts(self) -> JsonObject:
        if self.ground.item is None:
            self.missing = True
            raise InputError("the object was not stored")
        return facts_of(self.diagnosis, self.best, KubeObject(self.ground.item), (), self.stored.at)


def _record(candidate: Candidate, stored: Stored) -> Standing:
    """What the remedy had done for the cause then, as the decision was stored; a strategy of that name has its own."""
    plan = stored.plan
    for each in plan.options:
        same = candidate.course.strategy if candidate.course else ""
        then = each.course.strategy if each.course else ""
        if same == then and each.call == candidate.call:
            return Standing(each.healed, each.tried, each.lower_bound)
    if candidate.course:
        return Standing()
    told = next(
        (each for each in stored.ruling.trees("candidates") if each.at("call") == dump(candidate.call)), Tree({})
    )
    history = {**stored.facts.tree("history").raw, **told.tree("differs", "history").raw}
    return _standing(history)


def _standing(history: Mapping[str, Json]) -> Standing:
    told = Tree(dict(history))
    return Standing(told.integer("healed"), told.integer("tried"), told.number("lower_bound"))
