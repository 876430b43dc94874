"""A stored decision taken again, under another policy or another level of autonomy, from what was stored with it.

Nothing is read but the event. Whatever the event does not hold makes the answer "not known", with the reason; it is
never filled in. The same code decides as in the service, so under its own policy a decision comes out as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from kubernaut.domain.diagnosis import ActionCall, Verdict
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.domain.plans import Candidate, Decision, Plan
from kubernaut.engine.codec import dump, load
from kubernaut.planning.budgeting import BUDGET, Spent, over_budget
from kubernaut.planning.casework import SHADOW
from kubernaut.planning.choosing import Weighed, plan_of
from kubernaut.planning.guards import OBSERVED, Autonomy, close
from kubernaut.planning.policy.document import Effect, Storm
from kubernaut.planning.policy.facts import Facts
from kubernaut.planning.policy.ruling import APPROVAL, BROKEN, Policy, Ruling

RUN_CAP = "run_cap"
_BUSY = "resource_busy"
_DEFAULT_MINUTES = Storm().within_minutes


@dataclass(frozen=True, slots=True)
class Stored:
    """One decision as its event holds it; `verdict` is what the diagnosis before it allowed."""

    at: datetime
    plan: Plan
    ruling: Tree
    verdict: Verdict | None

    @property
    def facts(self) -> Tree:
        """What conditions looked at; empty where a guard objected before anything was weighed."""
        facts = self.ruling.tree("facts")
        inputs = self.ruling.tree("inputs")
        return facts if facts.raw else inputs if inputs.has("action") else Tree({})


@dataclass(frozen=True, slots=True)
class What:
    """What a decision is taken under instead: `autonomy` stands in the place of every label where it is given."""

    law: Policy
    autonomy: Autonomy | None = None


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Why the stored event does not tell what would have been decided."""

    why: str


def replay(stored: Stored, what: What, spent: Sequence[Spent] = ()) -> Plan | NotKnown:
    """What would have been decided; `spent` is what replayed decisions of the day before have spent."""
    if not stored.facts.raw:
        return _guarded(stored, what)
    if not stored.facts.has("owner") and stored.facts.text("target", "keeper"):
        return NotKnown("which of its changes the owner of the object would put back was not stored")
    try:
        weighed = _weighed(stored, what)
    except ValidationError:
        return NotKnown("the facts were stored in a form that is not read any more")
    if isinstance(weighed, NotKnown):
        return weighed
    first = weighed[0].facts
    if first.target.autonomy == Autonomy.OBSERVE and what.law.lifting(first, stored.at) is None:
        only = close(Ending.DECLINED, f"{first.target.namespace or first.target.name} is only observed", OBSERVED)
        return stored.plan if stored.plan.guard == OBSERVED else only
    stopped = _capped(first, what.law) or _storm_not_known(stored, what.law)
    return stopped or _chosen(stored, what, weighed, spent)


def _chosen(stored: Stored, what: What, weighed: Sequence[Weighed], spent: Sequence[Spent]) -> Plan | NotKnown:
    plan, first = plan_of(weighed, lambda one: f"{one.candidate.call.action} is bounded and reversible")
    if plan.decision is not Decision.ACT:
        return plan
    storm = what.law.document.storm
    if storm.namespace_incidents is not None or storm.min_healthy_workloads is not None:
        return NotKnown("how its namespace was, which the policy's storm looks at, was not stored")
    plan = _within_budgets(plan, first.facts, what.law, spent, stored.at)
    # It waited for another incident, and would have under every policy that lets it act.
    return stored.plan if plan.decision is Decision.ACT and stored.plan.guard == _BUSY else plan


def _storm_not_known(stored: Stored, law: Policy) -> NotKnown | None:
    """Open incidents were counted over the minutes of the policy of then: over more there may be more, never fewer."""
    told = stored.ruling.tree("policy")
    then = told.integer("storm_within_minutes") or (0 if told.text("digest") else _DEFAULT_MINUTES)
    now, many = law.document.storm.within_minutes, stored.facts.integer("cluster", "open_incidents")
    is_storm = many >= law.document.storm.open_incidents
    if then and (now == then or (now > then and is_storm) or (now < then and not is_storm)):
        return None
    return NotKnown(f"how many incidents were open over {now} minutes was not stored")


def _guarded(stored: Stored, what: What) -> Plan | NotKnown:
    """A guard that looks at no policy objects under every policy."""
    guard = stored.plan.guard
    if guard == BROKEN:
        return NotKnown("the policy was broken then, so nothing was weighed")
    if guard == RUN_CAP:
        return NotKnown("how often the object was acted on is not stored with run_cap")
    lifted = _lifts(what.law) or what.autonomy is not None
    if guard in {OBSERVED, "autonomy_suggest"} and lifted:
        return NotKnown(f"what rules look at was not stored with {guard}")
    return stored.plan


def _lifts(law: Policy) -> bool:
    return any(rule.beyond_labels for rule in law.document.rules)


def _weighed(stored: Stored, what: What) -> list[Weighed] | NotKnown:
    told = stored.ruling.trees("candidates")
    if not told:
        # Events of before this was stored hold the facts of one remedy alone.
        others = {each.text("action") for each in stored.ruling.trees("considered")}
        chosen = stored.plan.chosen
        if chosen is None or others - {chosen.call.action} or stored.plan.alternatives:
            return NotKnown("the facts of the other remedies were not stored")
        return [_weigh(stored, what, chosen.call, {})]
    calls = [load(ActionCall, each.at("call")) for each in told]
    return [_weigh(stored, what, call, each.tree("differs").raw) for call, each in zip(calls, told, strict=True)]


def _weigh(stored: Stored, what: What, call: ActionCall, differs: object) -> Weighed:
    facts = _facts(what, Tree({**stored.facts.raw, **_mapping(differs)}))
    found = [*what.law.objections(facts, stored.at), *_pressures(stored, what, facts)]
    if stored.verdict is Verdict.APPROVE:
        found.append(Ruling(APPROVAL, "", Effect.ASK, f"a remedy for {facts.cause} needs a person's consent"))
    history = facts.history
    return Weighed(Candidate(call, history.healed, history.tried, history.lower_bound), facts, tuple(found))


def _mapping(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _facts(what: What, told: Tree) -> Facts:
    facts = load(Facts, {key: value for key, value in told.raw.items() if key != "time"})
    environment = facts.ns.labels.get(what.law.document.environment_label, "")
    target = facts.target if what.autonomy is None else replace(facts.target, autonomy=what.autonomy.value)
    return replace(facts, environment=environment, target=target)


def _pressures(stored: Stored, what: What, facts: Facts) -> list[Ruling]:
    """What objects whatever the remedy: the control plane as it was then, the storm by the policy at hand."""
    before = {each.text("guard"): each.text("reason") for each in stored.ruling.trees("considered")}
    found = []
    if SHADOW in before and what.autonomy is None:
        found.append(Ruling(SHADOW, "", Effect.SUGGEST, before[SHADOW]))
    if "control_plane" in before:
        found.append(Ruling("control_plane", "", Effect.ASK, before["control_plane"]))
    storm, cluster = what.law.document.storm, facts.cluster
    if cluster.open_incidents >= storm.open_incidents:
        reason = f"{cluster.open_incidents} incidents were open: this is a storm"
        found.append(Ruling("storm", "", Effect.ASK, reason))
    elif cluster.unhealthy_nodes >= storm.unhealthy_nodes:
        found.append(Ruling("storm", "", Effect.ASK, f"{cluster.unhealthy_nodes:.0%} of the nodes were not ready"))
    return found


def _capped(facts: Facts, law: Policy) -> Plan | None:
    caps, history = law.document.runs, facts.history
    for done, bound, span in (
        (history.actions_1h, caps.per_hour, "an hour"),
        (history.actions_24h, caps.per_day, "a day"),
    ):
        if done >= bound:
            reason = f"{done} remedies on this object within {span}, and {bound} are allowed"
            return close(Ending.ESCALATED, reason, RUN_CAP)
    return None


def _within_budgets(plan: Plan, facts: Facts, law: Policy, spent: Sequence[Spent], now: datetime) -> Plan:
    over = over_budget(law.document.budgets, spent, facts.blast, namespace=facts.target.namespace, now=now)
    hard = [each for each in over if each.effect is Effect.DENY]
    decisive = next(iter(hard or over), None)
    if decisive is None:
        return plan
    if hard:
        return close(Ending.ESCALATED, decisive.reason, BUDGET, rule=decisive.rule)
    return replace(plan, decision=Decision.ASK, reason=decisive.reason, guard=BUDGET, rule=decisive.rule)


def spending(plan: Plan, stored: Stored) -> Spent | None:
    """What the decision takes out of the budgets of the day that follows."""
    if plan.decision is not Decision.ACT or plan.chosen is None:
        return None
    call = dump(plan.chosen.call)
    own = next(
        (each.tree("differs") for each in stored.ruling.trees("candidates") if each.at("call") == call), Tree({})
    )
    facts = Tree({**stored.facts.raw, **own.raw})
    blast = facts.tree("blast")
    return Spent(stored.at, facts.text("target", "namespace"), blast.integer("replicas"), blast.integer("nodes"))


def stored_decision(body: JsonObject, at: datetime, verdict: Json) -> Stored:
    """The decision of a `planned` event; `verdict` is that of the diagnosis before it."""
    known = {each.value for each in Verdict}
    allowed = Verdict(verdict) if isinstance(verdict, str) and verdict in known else None
    return Stored(at, load(Plan, body.get("plan")), Tree(body).tree("ruling"), allowed)
