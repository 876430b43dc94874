"""A model's word beside the rules'.

A model is asked only where the rules are unsure. What it says can add a hypothesis and lower a confidence; it cannot
raise one, reorder what the rules found, or turn any verdict into `act`:

- It names the cause the rules suspect: that hypothesis is at most as sure as the model is.
- It names another one and cites facts: what the rules suspect can be true only as far as the other is not, so its
  confidence is at most 1 minus the model's.
- The other cause is added, at most as sure as a coin toss, to be approved by a person where its remedy is one that the
  rules prepared and facts are cited, to be escalated otherwise. It stands before the rules' hypotheses only where
  these found nothing.
- It did what a text of the cluster told it: nothing of it counts, and nothing is done about the incident before a
  person has looked, since the facts of the rules may come from the same hand.

It raises no confidence even where it agrees. What it looked up can be cited by it, and no rule has weighed that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kubernaut.domain.diagnosis import ActionCall, CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.errors import ModelError, ModelReplySuspicious
from kubernaut.domain.incidents import IncidentId
from kubernaut.ports import Analyst, Lookups, Opinion, Question

UNKNOWN = CauseId("unknown")
DECIDED_BY_MODEL = "model"
# A model's word alone is never worth more than a coin toss.
_MOST_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class Choices:
    """What a model may choose from: causes with their meaning, and calls that the rules prepared, by candidate id."""

    causes: Mapping[str, str]
    calls: Mapping[str, ActionCall]
    meanings: Mapping[str, str]

    @classmethod
    def of(cls, diagnosis: Diagnosis, causes: Mapping[str, str], actions: Mapping[str, str]) -> Choices:
        """The remedies of all hypotheses, each with its parameters; `actions` says what each action does.

        The id of a candidate is that of its action, numbered from the second call of the same action on.
        """
        calls: dict[str, ActionCall] = {}
        for call in (call for one in diagnosis.hypotheses for call in one.remedies):
            if call not in calls.values():
                alike = sum(known.action == call.action for known in calls.values())
                calls[f"{call.action}.{alike + 1}" if alike else str(call.action)] = call
        return cls(causes, calls, {key: _meaning(call, actions) for key, call in calls.items()})


@dataclass(frozen=True, slots=True)
class Considered:
    """The diagnosis after the model was heard; `failure` says why it was not, where it was asked in vain."""

    diagnosis: Diagnosis
    opinion: Opinion | None = None
    failure: ModelError | None = None


def is_unsure(diagnosis: Diagnosis, *, below: float) -> bool:
    """Whether the rules found no cause, or one they are less sure of than `below`."""
    best = diagnosis.best
    return best is None or best.cause == UNKNOWN or best.confidence < below


async def consider(
    incident: IncidentId,
    diagnosis: Diagnosis,
    choices: Choices,
    analyst: Analyst,
    *,
    below: float,
    lookups: Lookups | None = None,
) -> Considered:
    """The diagnosis with the model's opinion in it; the rules' own where they are sure or the model fails."""
    if not is_unsure(diagnosis, below=below):
        return Considered(diagnosis)
    candidates = {key: choices.meanings.get(key, key) for key in choices.calls}
    try:
        opinion = await analyst.analyse(Question(incident, diagnosis, choices.causes, candidates, lookups))
    except ModelReplySuspicious as error:
        return Considered(for_people(diagnosis, str(error)), failure=error)
    except ModelError as error:
        return Considered(diagnosis, failure=error)
    return Considered(merge(diagnosis, opinion, choices.calls), opinion=opinion)


def for_people(diagnosis: Diagnosis, why: str) -> Diagnosis:
    """The diagnosis with which nothing is done before a person has looked."""
    warning = f"Look at the evidence first, it may have been written to mislead: {why}."
    known = diagnosis.hypotheses or (Hypothesis(UNKNOWN, diagnosis.target, 0.0, Verdict.ESCALATE, "No cause.", ()),)
    careful = (replace(one, verdict=_asks(one), summary=f"{warning} {one.summary}") for one in known)
    return replace(diagnosis, hypotheses=tuple(careful))


def accepted_citations(diagnosis: Diagnosis, opinion: Opinion) -> int:
    """How many of the cited facts the rules count in support of the named cause."""
    own = {key for one in diagnosis.hypotheses if one.cause == opinion.cause for key in one.supporting}
    return len(own.intersection(opinion.evidence))


def _asks(hypothesis: Hypothesis) -> Verdict:
    return Verdict.APPROVE if hypothesis.remedies and hypothesis.verdict is not Verdict.ESCALATE else Verdict.ESCALATE


def _meaning(call: ActionCall, actions: Mapping[str, str]) -> str:
    parameters = ", ".join(f"{name}={value}" for name, value in call.parameters.items())
    target = f"{call.target.kind}/{call.target.name}"
    return f"{actions.get(call.action, call.action)} ({', '.join(part for part in (target, parameters) if part)})"


def merge(diagnosis: Diagnosis, opinion: Opinion, calls: Mapping[str, ActionCall]) -> Diagnosis:
    """The diagnosis with the opinion in it; see the rules above."""
    read = {fact.id for fact in diagnosis.evidence}
    # Only what it looked up and cites: what it read in vain is no evidence of anything.
    cited = (fact for fact in opinion.found if fact.id in opinion.evidence and fact.id not in read)
    diagnosis = replace(diagnosis, evidence=(*diagnosis.evidence, *cited))
    if any(hypothesis.cause == opinion.cause for hypothesis in diagnosis.hypotheses):
        same = (_lowered(one, opinion.confidence, opinion.cause) for one in diagnosis.hypotheses)
        return replace(diagnosis, hypotheses=tuple(same))
    if opinion.cause == UNKNOWN:
        return diagnosis
    added = _suggested(diagnosis, opinion, calls)
    # A doubt without a cited fact is a mere opinion, and lowers nothing.
    ceiling = 1 - opinion.confidence if added.supporting else 1.0
    rules = tuple(_lowered(one, ceiling, one.cause) for one in diagnosis.hypotheses)
    if diagnosis.best is None or diagnosis.best.cause == UNKNOWN:
        return replace(diagnosis, hypotheses=(added, *rules), decided_by=DECIDED_BY_MODEL)
    return replace(diagnosis, hypotheses=(*rules, added))


def _suggested(diagnosis: Diagnosis, opinion: Opinion, calls: Mapping[str, ActionCall]) -> Hypothesis:
    cited = tuple(fact.id for fact in diagnosis.evidence if fact.id in opinion.evidence)
    call = calls.get(opinion.action)
    return Hypothesis(
        cause=CauseId(opinion.cause),
        target=call.target if call else diagnosis.target,
        confidence=min(opinion.confidence, _MOST_CONFIDENCE),
        # Never `act`, whatever confidence it claims: a model's word weakens no guard.
        verdict=Verdict.APPROVE if call and cited else Verdict.ESCALATE,
        summary=f"Suggested by {opinion.provider}, proven by no rule: {opinion.explanation}",
        supporting=cited,
        remedies=(call,) if call else (),
    )


def _lowered(hypothesis: Hypothesis, ceiling: float, cause: str) -> Hypothesis:
    if hypothesis.cause != cause:
        return hypothesis
    return replace(hypothesis, confidence=min(hypothesis.confidence, ceiling))
