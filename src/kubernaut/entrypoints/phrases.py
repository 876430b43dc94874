"""One event in words: the first word names what happened, the text is what a colleague would be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kubernaut.domain.diagnosis import ActionCall, Diagnosis
from kubernaut.domain.execution import Execution, Preview, Verification
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Tree
from kubernaut.domain.plans import Plan
from kubernaut.domain.proposals import Comparison, Proposal
from kubernaut.engine.codec import load
from kubernaut.entrypoints.units import counted


def call_in_words(call: ActionCall) -> str:
    """`rollback_deployment revision=6`."""
    return " ".join([call.action, *(f"{key}={value}" for key, value in sorted(call.parameters.items()))])


def word(event: Event) -> str:
    """The event's kind as people call it."""
    return _WORDS.get(event.kind, event.kind.value.replace("_", " "))


def phrase(event: Event) -> str:
    """What happened, on one line; empty where the word says it all."""
    say = _PHRASES.get(event.kind)
    return say(event) if say else ""


def score_in_words(verification: Verification) -> str:
    """`health 40/40 · alert 35/35 · metrics not measured (no Prometheus)`."""
    parts = []
    for part in verification.parts:
        missing = f"not measured ({part.text.removeprefix('not measured: ')})"
        measured = f"{part.points:g}/{part.weight}" if part.points is not None else missing
        parts.append(f"{part.part} {measured}")
    return " · ".join(parts)


def _diagnosed(event: Event) -> str:
    diagnosis = load(Diagnosis, event.body.get("diagnosis"))
    best = diagnosis.best
    if best is None:
        return "nothing wrong was found"
    by = "" if diagnosis.decided_by == "rules" else f" · decided by {diagnosis.decided_by}"
    return f"{best.cause}, confidence {best.confidence:.2f}{by}"


def _planned(event: Event) -> str:
    plan = load(Plan, event.body.get("plan"))
    if plan.chosen is None:
        return plan.reason
    course = f"{plan.chosen.course} · " if plan.chosen.course else ""
    return f"{call_in_words(plan.chosen.call)} · {course}{plan.reason}"


def _asked(event: Event) -> str:
    preview = load(Preview, event.body.get("preview"))
    return f"{call_in_words(preview.call)} · {load(Plan, event.body.get('plan')).reason}"


def _executed(event: Event) -> str:
    execution = load(Execution, event.body.get("execution"))
    done = call_in_words(execution.intent.preview.call) if execution.intent else ""
    return " · ".join(part for part in (done, execution.reason) if part)


def _undone(event: Event) -> str:
    body = Tree(event.body)
    by, why = body.text("by"), body.text("why")
    return _executed(event) + (f" · asked by {by}: {why}" if by else "")


def _verified(event: Event) -> str:
    verification = load(Verification, event.body.get("verification"))
    return f"{verification.effect.value} · {score_in_words(verification)}"


def _proposed(event: Event) -> str:
    proposal = load(Proposal, event.body.get("proposal"))
    tried = "tried by a dry run, not done" if proposal.intent else f"not done, and not tried: {proposal.refused}"
    return f"{call_in_words(proposal.call)} · {tried}"


def _noticed(event: Event) -> str:
    changes = Tree(event.body).trees("changes")
    by = ", ".join(dict.fromkeys(change.text("by") for change in changes))
    return f"{by or 'somebody'} changed {event.about}"


def _compared(event: Event) -> str:
    comparison = load(Comparison, event.body.get("comparison"))
    return f"{comparison.agreement.value.replace('_', ' ')} · {comparison.reason}"


def _answered(event: Event) -> str:
    body = Tree(event.body)
    reason = body.text("reason")
    return f"by {body.text('by')}" + (f": {reason}" if reason else "")


def _recalled(event: Event) -> str:
    like = Tree(event.body).trees("like")
    if not like:
        return "no incident like this is remembered"
    first = like[0]
    return f"{counted(len(like), 'incident')} alike, nearest {first.text('incident')} ({first.text('ending')})"


def _model(event: Event) -> str:
    body = Tree(event.body)
    name = body.text("provider") or "model"
    if body.flag("suspicious"):
        return f"a reply was thrown away ({body.text('error')}); people look at it"
    quotes = "".join(
        f", {call.text('provider')} says: “{call.text('said')}”" for call in body.trees("calls") if call.text("said")
    )
    if not body.flag("ok"):
        return f"{name} did not answer usably ({body.text('error') or 'no reason given'}){quotes}; the rules decide"
    if body.flag("kept"):
        return f"{name} had answered an equal question, 0 tokens"
    others = [call.text("provider") for call in body.trees("calls") if call.text("failure")]
    after = f" after {' and '.join(others)} failed" if others else ""
    lookups = body.integer("lookups")
    looked = f", {counted(lookups, 'lookup')}" if lookups else ""
    return f"{name} answered{after}{looked}, {counted(body.integer('tokens'), 'token')}{quotes}"


def _closed(event: Event) -> str:
    body = Tree(event.body)
    return " · ".join(part for part in (body.text("ending").replace("_", " "), body.text("reason")) if part)


def _alert(event: Event) -> str:
    return Tree(event.body).text("alert")


def _notified(event: Event) -> str:
    return Tree(event.body).text("where")


_WORDS: Mapping[EventKind, str] = MappingProxyType(
    {
        EventKind.MODEL_ASKED: "model",
        EventKind.DIAGNOSED: "cause",
        EventKind.PLANNED: "plan",
        EventKind.JOINED: "again",
        EventKind.RESOLVED: "resolved",
        EventKind.INTENDED: "stored",
        EventKind.VALUED: "value",
    }
)
_PHRASES: Mapping[EventKind, Callable[[Event], str]] = MappingProxyType(
    {
        EventKind.RECEIVED: _alert,
        EventKind.JOINED: _alert,
        EventKind.RESOLVED: _alert,
        EventKind.DIAGNOSED: _diagnosed,
        EventKind.RECALLED: _recalled,
        EventKind.MODEL_ASKED: _model,
        EventKind.PLANNED: _planned,
        EventKind.ASKED: _asked,
        EventKind.PROPOSED: _proposed,
        EventKind.NOTICED: _noticed,
        EventKind.COMPARED: _compared,
        EventKind.APPROVED: _answered,
        EventKind.REJECTED: _answered,
        EventKind.INTENDED: lambda _: "the object as it was, and the way back",
        EventKind.APPLIED: _executed,
        EventKind.SUBMITTED: lambda event: Tree(event.body).text("submission", "address"),
        EventKind.REFUSED: _executed,
        EventKind.VERIFIED: _verified,
        EventKind.UNDONE: _undone,
        EventKind.NOTIFIED: _notified,
        EventKind.CLOSED: _closed,
    }
)
