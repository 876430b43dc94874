"""What the analysis took and how good it was, under the names of the readiness plan, from the events alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.model_calls import ModelFailure
from kubernaut.domain.objects import Tree
from kubernaut.impact.clocks import History, clocks
from kubernaut.impact.figures import Figure, median, not_computable

# What came from outside is no step of ours.
_NOT_OURS = frozenset(
    {EventKind.RECEIVED, EventKind.JOINED, EventKind.RESOLVED, EventKind.APPROVED, EventKind.REJECTED}
)
# A reply came, and its form or its ids were not those that were asked for.
_BAD_REPLIES = frozenset(
    {
        ModelFailure.PROSE, ModelFailure.NOT_JSON, ModelFailure.WRONG_SCHEMA, ModelFailure.UNKNOWN_ID,
        ModelFailure.UNSUPPORTED, ModelFailure.EMPTY, ModelFailure.TRUNCATED,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """What one provider did: questions that it was given, those that it answered usably, and what it took."""

    asked: int = 0
    answered: int = 0
    requests: int = 0
    tokens: int = 0
    usd: float = 0.0
    tool_calls: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AIMetrics:
    """For one incident or for a period.

    `execution_duration` is the median time from the accepted alert to the end of the work on it, which is when it is
    valued; `step_count` the recorded steps of our own; `success_rate` the share of verified attempts that healed;
    `ai_request_count` the requests that went to a model, repeated ones included, `tool_calls` what models looked up or
    tried to. `questions` counts what was to be analysed, `kept` those of them that an earlier answer served;
    `failovers` the providers that failed before another was asked.

    Quality: `schema_validity` is the share of replies that could be taken as they came from a provider,
    `evidence_support` the share of cited facts that the rules count in support of the named cause, `agreement` the
    share of named causes that a verified healing proved right.
    """

    execution_duration: Figure
    step_count: int
    success_rate: Figure
    ai_request_count: int
    tool_calls: int
    questions: int
    kept: int
    suspicious: int
    failovers: int
    tokens: int
    usd: float
    schema_validity: Figure
    evidence_support: Figure
    agreement: Figure
    providers: Mapping[str, ProviderFigures] = field(default_factory=dict)


def analysis_metrics(histories: Sequence[History]) -> AIMetrics:
    """The metrics of these incidents."""
    asked = [Tree(event.body) for history in histories for event in history.of(EventKind.MODEL_ASKED)]
    calls = [call for question in asked for call in question.trees("calls")]
    return AIMetrics(
        execution_duration=_duration(histories),
        step_count=sum(event.kind not in _NOT_OURS for history in histories for event in history.events),
        success_rate=_success_rate(histories),
        ai_request_count=sum(question.integer("requests", default=1) for question in asked),
        tool_calls=sum(question.integer("lookups") for question in asked),
        questions=len(asked),
        kept=sum(question.flag("kept") for question in asked),
        suspicious=sum(question.flag("suspicious") for question in asked),
        failovers=sum(max(0, len(question.trees("calls")) - 1) for question in asked),
        tokens=sum(question.integer("tokens") for question in asked),
        usd=sum(question.number("usd") for question in asked),
        schema_validity=_validity(calls),
        evidence_support=_support(asked),
        agreement=_agreement(histories),
        providers=_providers(calls),
    )


def _duration(histories: Sequence[History]) -> Figure:
    seconds = []
    for history in histories:
        time, valued = clocks(history), history.of(EventKind.VALUED)
        # What is learned after the valuation keeps nobody waiting, and a figure that is stored then can be found again.
        end = valued[0].at if valued else time.closed
        if end is not None:
            seconds.append((end - time.detected).total_seconds())
    return median("s", seconds, of="closed incident")


def _success_rate(histories: Sequence[History]) -> Figure:
    effects = [
        Tree(event.body).text("verification", "effect")
        for history in histories
        for event in history.of(EventKind.VERIFIED)
    ]
    effects = [effect for effect in effects if effect != Effect.PREPARED]
    if not effects:
        return not_computable("", "nothing was applied and verified")
    return Figure("", len(effects), effects.count(Effect.HEALED) / len(effects))


def _validity(calls: Sequence[Tree]) -> Figure:
    replies = [call.text("failure") for call in calls if call.text("failure") in {"", *_BAD_REPLIES}]
    return _share(replies.count(""), len(replies), "no model replied")


def _support(asked: Iterable[Tree]) -> Figure:
    answered = [question for question in asked if question.flag("ok")]
    accepted = sum(question.integer("accepted") for question in answered)
    return _share(accepted, sum(question.integer("cited") for question in answered), "no model cited a fact")


def _agreement(histories: Sequence[History]) -> Figure:
    right: list[bool] = []
    for history in histories:
        diagnosed = history.of(EventKind.DIAGNOSED)
        if history.ending is not Ending.HEALED or not diagnosed:
            continue
        proven = next(iter(Tree(diagnosed[-1].body).trees("diagnosis", "hypotheses")), Tree({})).text("cause")
        named = (Tree(event.body) for event in history.of(EventKind.MODEL_ASKED))
        right += [question.text("cause") == proven for question in named if question.flag("ok")]
    return _share(sum(right), len(right), "no incident with a model's word was verified as healed")


def _providers(calls: Sequence[Tree]) -> Mapping[str, ProviderFigures]:
    names = dict.fromkeys(call.text("provider") for call in calls)
    return {name: _provider([call for call in calls if call.text("provider") == name]) for name in names}


def _provider(calls: Sequence[Tree]) -> ProviderFigures:
    classes = [call.text("failure") for call in calls]
    return ProviderFigures(
        asked=len(calls),
        answered=classes.count(""),
        requests=sum(call.integer("requests") for call in calls),
        tokens=sum(call.integer("tokens") for call in calls),
        usd=sum(call.number("usd") for call in calls),
        tool_calls=sum(call.integer("lookups") for call in calls),
        failures={name: classes.count(name) for name in sorted(set(classes) - {""})},
    )


def _share(part: int, whole: int, why: str) -> Figure:
    return Figure("", whole, part / whole) if whole else not_computable("", why)
