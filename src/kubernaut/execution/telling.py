"""What people are told: one message an incident, its first line the whole verdict."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.domain.diagnosis import Diagnosis, Hypothesis
from kubernaut.domain.execution import Preview
from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import FOR_PEOPLE, Ending
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.domain.plans import Conclusion, Plan
from kubernaut.domain.proposals import Proposal
from kubernaut.ports import Message

# The endings that hand something to a person.

_MOST_LIKE = 3

_TITLES = {
    Ending.HEALED: "Healed",
    Ending.UNDONE: "Undone, over to you",
    Ending.ESCALATED: "Over to you",
    Ending.BLOCKED: "Blocked, over to you",
    Ending.FAILED: "Kubernaut failed, over to you",
    Ending.DECLINED: "Left alone",
    Ending.SELF_RESOLVED: "Resolved by itself",
    Ending.NO_ACTION_NEEDED: "Nothing to do",
}


def closing_message(incident: Incident, conclusion: Conclusion, diagnosis: Diagnosis | None) -> Message:
    """How it ended, with the evidence and the commands that a person would type next."""
    best = diagnosis.best if diagnosis else None
    lines = [conclusion.reason, *_findings(diagnosis, best), *_proposed(conclusion.proposal)]
    if conclusion.ending in FOR_PEOPLE and best is not None:
        lines += [f"By hand: {command}" for command in best.by_hand]
    if conclusion.help:
        lines.append(f"Next: {conclusion.help}")
    return Message(
        incident=incident.id,
        title=f"{_TITLES[conclusion.ending]} · {incident.target} · {incident.id}",
        lines=tuple(lines),
        facts={
            **_about(incident),
            "outcome": conclusion.ending.value,
            "ending": conclusion.ending.value,
            "guard": conclusion.guard,
            "proposed": str(conclusion.proposal.call.action) if conclusion.proposal else None,
            "cause": str(best.cause) if best else None,
            "confidence": best.confidence if best else None,
        },
    )


def approval_message(
    incident: Incident, diagnosis: Diagnosis, plan: Plan, preview: Preview, *, question: str
) -> Message:
    """What a person is asked to allow, and what it would change; `question` is the name of this request."""
    others = ", ".join(candidate.call.action for candidate in plan.alternatives)
    return Message(
        incident=incident.id,
        title=f"Approval wanted · {incident.target} · {incident.id}",
        lines=(
            *_findings(diagnosis, diagnosis.best),
            f"Do: {preview.call.action}{_part_of(plan)}",
            *preview.diff,
            f"Touches: {preview.reach}",
            f"Asked: {plan.reason}",
            *([f"Instead: {others}"] if others else []),
            f"Answer: kubernaut incidents approve {incident.id}",
        ),
        facts={
            **_about(incident),
            "outcome": "approval",
            "question": question,
            "action": preview.call.action,
            "expires_at": plan.expires_at.isoformat() if plan.expires_at else None,
        },
    )


def _part_of(plan: Plan) -> str:
    return f", {plan.chosen.course}" if plan.chosen and plan.chosen.course else ""


def _about(incident: Incident) -> JsonObject:
    return {
        "alert": incident.alert,
        "severity": incident.severity,
        "namespace": incident.target.namespace,
        "target": str(incident.target),
    }


def with_like(lines: Sequence[str], like: Sequence[Tree]) -> tuple[str, ...]:
    """The lines with like incidents and their outcomes, before the last one, which says how to answer."""
    told = [
        f"Like: {each.text('incident')} ({each.number('likeness'):.2f})  {each.text('action') or 'nothing was done'}"
        f"  {each.text('ending')} after {each.number('seconds'):.0f} s"
        for each in like[:_MOST_LIKE]
    ]
    return (*lines[:-1], *told, *lines[-1:])


def _proposed(proposal: Proposal | None) -> Sequence[str]:
    """The change that people may make, as its dry run showed it."""
    if proposal is None:
        return ()
    given = " ".join(f"{key}={value}" for key, value in sorted(proposal.call.parameters.items()))
    head = f"Proposed, not done: {proposal.call.action} {given}".rstrip()
    if proposal.intent is None:
        return (head, f"It could not be tried: {proposal.refused}")
    preview = proposal.intent.preview
    return (head, *preview.diff, f"Touches: {preview.reach}")


def _findings(diagnosis: Diagnosis | None, best: Hypothesis | None) -> Sequence[str]:
    if diagnosis is None or best is None:
        return ()
    cited = [f"{fact.id}  {fact.object}  {fact.text}" for fact in diagnosis.cited(best)]
    return (f"{best.cause} {best.confidence:.2f}: {best.summary}", *cited)
