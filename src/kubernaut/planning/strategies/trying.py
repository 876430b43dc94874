"""Cases for strategies: a diagnosis as it might be, what comes of each step, and the steps that have to follow.

What `strategies test` runs. Only the order is tried: labels, policy and the cluster have no say in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Diagnosis, Hypothesis, Parameter, Verdict
from kubernaut.domain.errors import PolicyError, StrategyError
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.domain.plans import Candidate, OnFailure, Outcome, Trial
from kubernaut.planning.strategies.facts import facts_of
from kubernaut.planning.strategies.offering import offer
from kubernaut.planning.strategies.strategy import Known, Strategy
from kubernaut.planning.yaml_places import mark_of, parsed_documents, problems_of

_NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
_MOST_STEPS = 20
_HEALED = "healed"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class GivenRemedy(_Part):
    """What the cause recommends."""

    action: str
    parameters: dict[str, Parameter] = {}


class GivenEvidence(_Part):
    """One fact of the diagnosis."""

    source: EvidenceSource = EvidenceSource.FIELD
    kind: str = "Pod"
    name: str = "web-1"
    ref: str = ""
    age_s: float | None = None
    supports: bool = True


class Given(_Part):
    """The diagnosis. `object` is its target as the API server prints it."""

    cause: str = "crash_after_change"
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.9
    item: dict[str, object] = Field(default={}, alias="object")
    remedies: tuple[GivenRemedy, ...] = ()
    evidence: tuple[GivenEvidence, ...] = ()


class ExpectedStep(_Part):
    """A step that has to follow. An empty `strategy` is what the cause recommends by itself."""

    action: str
    strategy: str = ""
    parameters: dict[str, Parameter] = {}


class StrategyCase(_Part):
    """One case. `outcomes` are what the steps come to, in turn; those that are not named heal."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    given: Given = Given()
    outcomes: Annotated[tuple[str, ...], Field(max_length=_MOST_STEPS)] = ()
    expect: Annotated[tuple[ExpectedStep, ...], Field(max_length=_MOST_STEPS)]


class StrategyCases(_Part):
    """A file of cases. `strategies` is the file or folder that they are about, seen from theirs."""

    strategies: str = ""
    cases: Annotated[tuple[StrategyCase, ...], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class Came:
    """What was offered, step by step, and what was passed over."""

    steps: tuple[Candidate, ...]
    passed_over: tuple[str, ...]


def read_cases(text: str, *, source: str) -> StrategyCases:
    """The cases of a text; raises `StrategyError` that names file, line, column and field."""
    try:
        documents = parsed_documents(text, source)
    except PolicyError as error:
        raise StrategyError(str(error)) from error
    root, tree = documents[0] if documents else (None, {})
    try:
        return StrategyCases.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        told = []
        for place, name, message in problems_of(error):
            line, column = mark_of(root, place)
            told.append(f"{source}:{line}:{column}: {name}: {message}")
        raise StrategyError("; ".join(told)) from error


def try_case(strategies: Sequence[Strategy], case: StrategyCase, known: Known) -> Came:
    """The steps that would be offered first, in turn, until one heals, people are called, or none is left."""
    diagnosis, item = _diagnosis(case.given)
    best = diagnosis.hypotheses[0]
    trials: list[Trial] = []
    passed: list[str] = []
    while len(trials) < _MOST_STEPS:
        facts = partial(facts_of, diagnosis, best, item, trials, _NOW)
        offered = offer(strategies, best, trials, known, facts)
        passed += [f"{note['action']}: {note['reason']}" for note in offered.passed_over]
        chosen = offered.going or _first_untried(offered.fresh, trials)
        if chosen is None:
            break
        outcome = _outcome(case, chosen, len(trials))
        trials.append(Trial(chosen, outcome or Outcome.UNKNOWN))
        over = chosen.course is not None and chosen.course.on_failure is OnFailure.ESCALATE
        if outcome is None or (over and outcome is not Outcome.PREPARED):
            break
    return Came(tuple(trial.candidate for trial in trials), tuple(dict.fromkeys(passed)))


def _first_untried(fresh: Sequence[Candidate], trials: Sequence[Trial]) -> Candidate | None:
    tried = {(trial.call.action, trial.call.target) for trial in trials}
    return next((each for each in fresh if (each.call.action, each.call.target) not in tried), None)


def mismatch(case: StrategyCase, came: Came) -> str:
    """What is not as expected, in words; empty where all is."""
    wanted, found = case.expect, came.steps
    for number, (expected, step) in enumerate(zip(wanted, found, strict=False), 1):
        strategy = step.course.strategy if step.course else ""
        if (expected.action, expected.strategy) != (step.call.action, strategy):
            other = _named(expected.action, expected.strategy)
            return f"step {number} is {_named(step.call.action, strategy)}, not {other}"
        for name, value in expected.parameters.items():
            given = step.call.parameters.get(name)
            if given != value:
                return f"step {number}: {name} is {given!r}, not {value!r}"
    if len(wanted) != len(found):
        names = ", ".join(_named(step.call.action, step.course.strategy if step.course else "") for step in found)
        return f"{len(found)} steps ({names or 'none'}), not {len(wanted)}"
    return ""


def _named(action: str, strategy: str) -> str:
    return f"{action} of {strategy}" if strategy else action


def _outcome(case: StrategyCase, chosen: Candidate, index: int) -> Outcome | None:
    """None where it healed."""
    default = Outcome.PREPARED.value if chosen.course and chosen.course.prepares else _HEALED
    word = case.outcomes[index] if index < len(case.outcomes) else default
    if word == _HEALED:
        return None
    try:
        return Outcome(word)
    except ValueError as error:
        words = ", ".join([_HEALED, *(each.value for each in Outcome)])
        raise StrategyError(f"{case.name}: there is no outcome {word}; there are {words}") from error


def _diagnosis(given: Given) -> tuple[Diagnosis, KubeObject]:
    plain: JsonObject = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
    }
    item = KubeObject({**plain, **json.loads(json.dumps(given.item, default=str))})
    target = item.ref
    facts = tuple(
        Evidence(
            EvidenceId(f"e{number}"),
            each.source,
            ObjectRef("v1", each.kind, target.namespace, each.name),
            each.ref,
            "",
            None if each.age_s is None else _NOW - timedelta(seconds=each.age_s),
        )
        for number, each in enumerate(given.evidence, 1)
    )
    supporting = tuple(fact.id for fact, each in zip(facts, given.evidence, strict=True) if each.supports)
    remedies = tuple(ActionCall(ActionId(each.action), target, each.parameters) for each in given.remedies)
    best = Hypothesis(CauseId(given.cause), target, given.confidence, Verdict.ACT, "", supporting, remedies=remedies)
    return Diagnosis(target, (best,), facts), item
