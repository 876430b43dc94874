"""Stored questions asked again: of another model, or of nobody, so that the rules decide alone.

A question is made again from the diagnosis that was stored after it, with what the model had added taken out. The
rules' own confidence is stored only as far as the model had left it; it was at least that. Whatever a model looked up
beyond the question is not looked up again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from kubernaut.adapters.models.prompting import Hiding, build_prompt
from kubernaut.adapters.models.provider import Provider
from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.errors import ModelError, ModelUnavailable
from kubernaut.domain.execution import Effect
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Tree
from kubernaut.engine.codec import load
from kubernaut.entrypoints.otherwise import UNREADABLE, Ground, Restored
from kubernaut.execution.catalogue import Catalogue
from kubernaut.impact.figures import Figure, share
from kubernaut.impact.period import Period
from kubernaut.investigation.causes import catalogue as causes
from kubernaut.investigation.second_opinion import DECIDED_BY_MODEL, Choices, merge
from kubernaut.planning.guards import close
from kubernaut.planning.replaying import NotKnown, Stored
from kubernaut.ports import Analyst, IncidentStore, Opinion, Question

_PAGE = 500
_ADDED = "Suggested by "
_KINDS = (EventKind.MODEL_ASKED, EventKind.DIAGNOSED, EventKind.VERIFIED)
_TOKENS = 1_000_000
# A reply that cannot be taken is asked for again, with what was wrong with it.
_REQUESTS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A stored question; `then` is the cause that was answered, empty where no answer could be taken.

    `seq` is the number of the diagnosis that came of it. Of a suspicious reply the rules' own verdicts were not stored.
    """

    seq: int
    incident: IncidentId
    rules: Diagnosis
    then: str
    suspicious: bool
    healed: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """What asking again takes at the most, by the declared prices."""

    questions: int
    tokens: int
    usd: float


@dataclass(frozen=True, slots=True)
class Replies:
    """What came of asking again, by the number of the diagnosis; a `ModelError` where no answer could be taken."""

    who: str
    found: Mapping[int, Opinion | ModelError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """The answers against those of then, and against the causes whose remedy was seen to heal."""

    questions: int
    answered: int
    same_cause: Figure
    healed_cause: Figure
    healed_cause_then: Figure
    tokens: int
    usd: float


def without_model(diagnosis: Diagnosis) -> Diagnosis:
    """What the rules had found, as far as it was stored."""
    own = tuple(one for one in diagnosis.hypotheses if not one.summary.startswith(_ADDED))
    by = "rules" if diagnosis.decided_by == DECIDED_BY_MODEL else diagnosis.decided_by
    return replace(diagnosis, hypotheses=own, decided_by=by)


async def stored_questions(incidents: IncidentStore, period: Period) -> list[Asked]:
    """The questions of the period, each with the cause that healed its incident in the end, where one did."""
    open_, asked, healed = dict[IncidentId, Tree](), list[Asked](), dict[IncidentId, str]()
    async for event in _events(incidents, period):
        body = Tree(event.body)
        match event.kind:
            case EventKind.MODEL_ASKED:
                open_[event.incident] = body
            case EventKind.DIAGNOSED if (question := open_.pop(event.incident, None)) is not None:
                rules = _diagnosis(event)
                if rules is not None:
                    then, suspicious = question.text("cause"), question.flag("suspicious")
                    asked.append(Asked(event.seq, event.incident, without_model(rules), then, suspicious))
            case EventKind.VERIFIED if body.text("verification", "effect") == Effect.HEALED:
                healed[event.incident] = body.text("cause")
            case _:
                pass
    return [replace(one, healed=healed.get(one.incident, "")) for one in asked]


async def _events(incidents: IncidentStore, period: Period) -> AsyncIterator[Event]:
    after = 0
    while page := await incidents.events(after=after, limit=_PAGE, kinds=_KINDS):
        for event in page:
            if period.since <= event.at <= period.until:
                yield event
        after = page[-1].seq


def _diagnosis(event: Event) -> Diagnosis | None:
    try:
        return load(Diagnosis, event.body.get("diagnosis"))
    except ValidationError:
        return None


def question_of(one: Asked, actions: Catalogue) -> tuple[Question, Choices]:
    """The question as it would be put, without looking up more."""
    titles = {str(cause.id): cause.title for cause in causes()}
    choices = Choices.of(one.rules, titles, {str(action.id): action.summary for action in actions})
    return Question(one.incident, one.rules, choices.causes, choices.meanings), choices


def bound_of(asked: Sequence[Asked], provider: Provider, hiding: Hiding, actions: Catalogue) -> Bound:
    """Every question with the longest reply, and every reply refused until nobody asks any more."""
    tokens = 0
    for one in asked:
        try:
            tokens += _REQUESTS * build_prompt(question_of(one, actions)[0], hiding, window=provider.window).tokens
        except ModelUnavailable:
            continue  # it does not fit, so it is not sent
    dearest = max(provider.price.prompt, provider.price.reply)
    return Bound(len(asked), tokens, tokens * dearest / _TOKENS)


async def ask_again(asked: Sequence[Asked], who: str, analyst: Analyst, actions: Catalogue) -> Replies:
    """One question after the other."""
    found: dict[int, Opinion | ModelError] = {}
    for one in asked:
        try:
            found[one.seq] = await analyst.analyse(question_of(one, actions)[0])
        except ModelError as error:
            found[one.seq] = error
    return Replies(who, found)


def compared(asked: Sequence[Asked], replies: Replies) -> Compared:
    """What the answers have in common with those of then, and with what healed."""
    answers = {seq: reply for seq, reply in replies.found.items() if isinstance(reply, Opinion)}
    calls = [call for reply in replies.found.values() for call in reply.calls]
    both = [(answers[one.seq].cause, one.then) for one in asked if one.seq in answers and one.then]
    right = [(answers[one.seq].cause, one.healed) for one in asked if one.seq in answers and one.healed]
    right_then = [(one.then, one.healed) for one in asked if one.then and one.healed]
    return Compared(
        len(asked),
        len(answers),
        _agreement(both, of="question answered both times"),
        _agreement(right, of="answer of a healed incident"),
        _agreement(right_then, of="answer of a healed incident"),
        sum(call.tokens for call in calls),
        sum(call.usd for call in calls),
    )


def _agreement(pairs: Sequence[tuple[str, str]], *, of: str) -> Figure:
    return share(sum(one == other for one, other in pairs), len(pairs), of=of)


@dataclass(frozen=True, slots=True)
class OtherModel:
    """Other answers in the place of those of then; a question that nobody answers is left to the rules."""

    asked: Mapping[int, Asked]
    replies: Replies
    actions: Catalogue

    def instead(self, stored: Stored, ground: Ground) -> Restored | NotKnown:
        """The decision on the diagnosis that would have come of it."""
        one = self.asked.get(ground.diagnosed)
        if one is None:
            return Restored(stored)
        if one.suspicious:
            return NotKnown("the reply of then was thrown away as suspicious, and what the rules allowed is not stored")
        try:
            old = load(Diagnosis, ground.diagnosis)
        except ValidationError:
            return NotKnown(UNREADABLE)
        reply = self.replies.found.get(one.seq)
        if isinstance(reply, Opinion):
            return _on(stored, old, merge(one.rules, reply, question_of(one, self.actions)[1].calls))
        return _on(stored, old, one.rules)


def _on(stored: Stored, old: Diagnosis, new: Diagnosis) -> Restored | NotKnown:
    """The decision on another diagnosis: on the same cause with the same remedies, or where nothing is left to do."""
    if _act(old.best) == _act(new.best):
        verdict = new.best.verdict if new.best else stored.verdict
        return Restored(replace(stored, verdict=verdict, ruling=_with_confidence(stored.ruling, new)))
    if not stored.facts.raw:
        return NotKnown("another cause would have come first, and nothing was weighed then")
    best = new.best
    if best is None or best.verdict is Verdict.ESCALATE or not best.remedies:
        cause = best.cause if best else CauseId("unknown")
        plan = close(Ending.ESCALATED, f"{cause}: no safe action fits, a person has to decide", "no_safe_action")
        return Restored(stored, plan=plan)
    return NotKnown(f"{best.cause} would have come first, and its remedies were not weighed then")


def _act(best: Hypothesis | None) -> object:
    return (best.cause, best.target, best.remedies) if best else None


def _with_confidence(ruling: Tree, new: Diagnosis) -> Tree:
    changed = dict(ruling.raw)
    for name in ("facts", "inputs"):
        told = ruling.tree(name)
        if told.has("confidence") and new.best:
            changed[name] = {**told.raw, "confidence": new.best.confidence, "by_model": new.decided_by != "rules"}
    return Tree(changed)
