"""What a person's consent leads to: it lifts the need to ask, and no other guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.plans import Candidate, Decision, Plan
from kubernaut.planning.choosing import Settled, Weighing, refused_plan, told_of
from kubernaut.planning.guards import Situation, standing_refusal


def chosen_by(plan: Plan, heard: JsonObject) -> Plan:
    """The plan with the option and the parameters of the answer.

    Both were checked when the answer was given; what does not fit any more leaves the plan as it was asked for.
    """
    number = option_number(plan, heard.get("choice"))
    if number is None:
        return plan
    taken = plan.options[number - 1]
    parameters = heard.get("parameters")
    changed = replace(taken, call=with_parameters(taken.call, parameters)) if isinstance(parameters, dict) else taken
    return replace(plan, chosen=changed, alternatives=tuple(each for each in plan.options if each is not taken))


def option_number(plan: Plan, choice: Json) -> int | None:
    """The number of the option that a number or an action's name means; None where there is no such one."""
    if choice is None:
        return 1
    if isinstance(choice, int) and not isinstance(choice, bool):
        return choice if 1 <= choice <= len(plan.options) else None
    named = [number for number, each in enumerate(plan.options, 1) if each.call.action == choice]
    return named[0] if named else None


def with_parameters(call: ActionCall, parameters: Mapping[str, Json]) -> ActionCall:
    """The call with some parameters replaced; whether they are within bounds is the catalogue's to say."""
    given = {key: value for key, value in parameters.items() if isinstance(value, str | int | float | bool)}
    return replace(call, parameters={**call.parameters, **given})


def after_consent(plan: Plan, chosen: Candidate, situation: Situation, weighing: Weighing) -> Settled:
    """The plan once somebody consented to the candidate, held against how everything is now."""
    weighed = weighing.weigh(chosen)
    record = told_of(weighing, weighed, [weighed])
    standing = standing_refusal(situation)
    if standing is not None:
        return Settled(standing, record)
    if weighed.refusal is not None:
        return Settled(refused_plan([weighed]), record)
    return Settled(replace(plan, decision=Decision.ACT, guard="approved"), record)
