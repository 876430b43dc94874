"""Cases for a policy: facts as they might be, and the decision that has to follow. What `policy test` runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kubernaut.domain.errors import PolicyError
from kubernaut.domain.sources import PROPOSE
from kubernaut.planning.budgeting import Spent, over_budget
from kubernaut.planning.policy.document import Effect
from kubernaut.planning.policy.facts import Facts
from kubernaut.planning.policy.reading import plain
from kubernaut.planning.policy.ruling import STOP_GAP, Policy
from kubernaut.planning.yaml_places import explained, parsed_whole

Decision = Literal["act", "ask", "suggest", "observe", "deny"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Earlier(_Part):
    """An action that was decided on before, for the budgets."""

    minutes_ago: Annotated[float, Field(ge=0)] = 1
    namespace: str = "default"
    replicas: int = 1
    nodes: int = 0


class Expected(_Part):
    """What has to come out; an empty `rule` or `guard` is not looked at."""

    decision: Decision
    rule: str = ""
    guard: str = ""


class PolicyCase(_Part):
    """One case. What `given` does not name is as for a plain Deployment that may be acted on."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    now: datetime = datetime(2026, 1, 5, 12, tzinfo=UTC)
    given: dict[str, object] = Field(default_factory=dict)
    earlier: tuple[Earlier, ...] = ()
    expect: Expected


class PolicyCases(_Part):
    """A file of cases. `policy` is the file they are about, seen from theirs."""

    policy: str = ""
    cases: Annotated[tuple[PolicyCase, ...], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class Came:
    """What a policy decided in a case."""

    decision: Decision
    guard: str
    rule: str
    reason: str


def read_cases(text: str, *, source: str) -> PolicyCases:
    """The cases of a text; raises `PolicyError` that names source, line and field."""
    root, tree = parsed_whole(text, source)
    try:
        return PolicyCases.model_validate_json(json.dumps(tree, default=plain))
    except ValidationError as error:
        raise PolicyError(explained(error, root, source)) from error


def try_case(policy: Policy, case: PolicyCase) -> Came:
    """What the policy says; raises `PolicyError` for facts that there are not."""
    now = case.now if case.now.tzinfo else case.now.replace(tzinfo=policy.zone)
    facts = facts_of(case)
    spent = [
        Spent(now - timedelta(minutes=each.minutes_ago), each.namespace, each.replicas, each.nodes)
        for each in case.earlier
    ]
    budgets = policy.document.budgets
    found = [*policy.objections(facts, now)]
    found += over_budget(budgets, spent, facts.blast, namespace=facts.target.namespace, now=now)
    found.sort(key=lambda ruling: ruling.effect is Effect.ASK)
    if not found:
        allowed = policy.stop_gap(facts, now) if facts.owner.tool and facts.action.id != PROPOSE else None
        if allowed is not None:
            return Came("act", STOP_GAP, allowed.rule, allowed.reason)
        lifted = policy.lifting(facts, now) if facts.target.autonomy != "auto" else None
        return Came("act", "allowed", lifted.rule if lifted else "", "")
    first = found[0]
    decision: Decision = first.effect.value  # type: ignore[assignment]  # a ruling is never `auto`
    return Came(decision, first.guard, first.rule, first.reason)


def mismatch(expected: Expected, came: Came) -> str:
    """What is not as expected, in words; empty where all is."""
    wanted = {"decision": expected.decision, "rule": expected.rule, "guard": expected.guard}
    found = {"decision": came.decision, "rule": came.rule, "guard": came.guard}
    wrong = [
        f"{name} is {found[name] or 'none'}, not {value}"
        for name, value in wanted.items()
        if value and value != found[name]
    ]
    return "; ".join(wrong)


def facts_of(case: PolicyCase) -> Facts:
    """The facts of the case: plain ones, with what the case names in their place."""
    changed = _overlaid(Facts(), case.given, case.name)
    if not isinstance(changed, Facts):
        raise PolicyError(f"{case.name}: given is no mapping of facts")
    if "ns" not in case.given:
        changed = replace(changed, ns=replace(changed.ns, name=changed.target.namespace))
    return changed


def _overlaid(plain_value: object, given: object, place: str) -> object:
    if not is_dataclass(plain_value) or isinstance(plain_value, type):
        return given
    if not isinstance(given, Mapping):
        raise PolicyError(f"{place}: here stands a mapping, not {type(given).__name__}")
    names = {each.name for each in fields(plain_value)}
    unknown = sorted(set(given) - names)
    if unknown:
        raise PolicyError(f"{place}: there is no fact {', '.join(unknown)}; known: {', '.join(sorted(names))}")
    inner = {key: _overlaid(getattr(plain_value, key), value, f"{place}.{key}") for key, value in given.items()}
    kind = type(plain_value)
    try:
        return TypeAdapter(kind).validate_python({each: getattr(plain_value, each) for each in names} | inner)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise PolicyError(f"{place}.{field}: {first['msg']}") from error
