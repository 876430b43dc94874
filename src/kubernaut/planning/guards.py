"""The guards between a diagnosis and an action: each a name, a reason and, for a refusal, the command that lifts it.

They are asked in order and the first that objects decides. None of them reads a severity, a confidence or a model's
text, so none can be talked out of its objection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kubernaut.domain.alerts import Stance, handling_of
from kubernaut.domain.diagnosis import ActionCall, Hypothesis, Verdict
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef
from kubernaut.domain.plans import Decision, Plan
from kubernaut.ports import Suspension

MANAGED_LABEL = "kubernaut.ai/managed"
AUTONOMY_LABEL = "kubernaut.ai/autonomy"


class Autonomy(StrEnum):
    """How much may be done without asking, from nothing to everything that is bounded and reversible."""

    OBSERVE = "observe"
    SUGGEST = "suggest"
    APPROVE = "approve"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Scope:
    """What the labels of the target and its namespace say. An unknown autonomy word reads as `observe`."""

    managed: bool
    autonomy: Autonomy


@dataclass(frozen=True, slots=True)
class PastAction:
    """An action that was applied before: what, when, and whether it was kept."""

    call: ActionCall
    at: datetime
    kept: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the guards look at, read just before."""

    target: ObjectRef
    best: Hypothesis | None
    firing: bool
    scope: Scope
    suspension: Suspension | None
    history: Sequence[PastAction]
    now: datetime
    began: datetime
    patience: timedelta
    alert: str = ""


# Three remedies that did not help within this time: a fourth is for people to choose.
FAILURES_WINDOW = timedelta(hours=1)
FAILURES_ALLOWED = 3

Guard = Callable[[Situation], Plan | None]


def scope_of(labels: Sequence[dict[str, str]], *, default: Autonomy) -> Scope:
    """The scope from the labels of the object and of its namespace, the most specific first."""
    managed = next((each[MANAGED_LABEL] for each in labels if MANAGED_LABEL in each), "")
    word = next((each[AUTONOMY_LABEL] for each in labels if AUTONOMY_LABEL in each), default.value)
    autonomy = Autonomy(word) if word in {level.value for level in Autonomy} else Autonomy.OBSERVE
    return Scope(managed=managed == "true", autonomy=autonomy)


def objection(situation: Situation) -> Plan | None:
    """The first guard's refusal, None where none objects."""
    return next((plan for guard in GUARDS if (plan := guard(situation)) is not None), None)


def _self_resolved(situation: Situation) -> Plan | None:
    if situation.firing:
        return None
    return _close(Ending.SELF_RESOLVED, "the alert was resolved before anything was done", "resolved")


def _not_to_be_seen(situation: Situation) -> Plan | None:
    handling = handling_of(situation.alert)
    if not handling.is_unseen:
        return None
    return _close(Ending.ESCALATED, f"{situation.alert} is for people: {handling.reason}", "alert_for_people")


def _unexplained(situation: Situation) -> Plan | None:
    """An alert that nobody here knows goes on, and what can be seen is healthy: it measures something else."""
    found = situation.best
    healthy = found is None or (found.verdict is Verdict.DECLINE and found.cause == "healthy")
    if not situation.alert or handling_of(situation.alert).is_known or not healthy or not situation.scope.managed:
        return None
    reason = f"{situation.alert} fires, and nothing wrong is to be seen on {situation.target}"
    if situation.now - situation.began < situation.patience:
        return Plan(Decision.WAIT, reason, guard="young")
    return _close(Ending.ESCALATED, f"{reason}: a person has to look at what it measures", "unexplained")


def _nothing_wrong(situation: Situation) -> Plan | None:
    best = situation.best
    if best is None:
        return _close(Ending.NO_ACTION_NEEDED, f"nothing wrong was found on {situation.target}", "nothing_found")
    if best.verdict is not Verdict.DECLINE:
        return None
    match best.cause:
        case "rollout_in_progress":
            return Plan(Decision.WAIT, best.summary, guard="rollout_in_progress")
        case "self_healed":
            return _close(Ending.SELF_RESOLVED, best.summary, "self_healed")
        case "healthy":
            return _close(Ending.NO_ACTION_NEEDED, best.summary, "nothing_found")
        case _:
            return _close(Ending.DECLINED, best.summary, str(best.cause))


def _unmanaged(situation: Situation) -> Plan | None:
    if situation.scope.managed:
        return None
    kind, name = _scope_object(situation.target)
    reason = f"{kind} {name} is not managed, so nothing was changed"
    return _close(Ending.DECLINED, reason, "unmanaged", help=f"kubectl label {kind} {name} {MANAGED_LABEL}=true")


def _observing(situation: Situation) -> Plan | None:
    if situation.scope.autonomy is not Autonomy.OBSERVE:
        return None
    kind, name = _scope_object(situation.target)
    command = f"kubectl label --overwrite {kind} {name} {AUTONOMY_LABEL}=approve"
    return _close(Ending.DECLINED, f"{kind} {name} is only observed", "autonomy_observe", help=command)


def _suspended(situation: Situation) -> Plan | None:
    if situation.suspension is None:
        return None
    reason = f"all actions are suspended by {situation.suspension.by}: {situation.suspension.reason}"
    return _close(Ending.BLOCKED, reason, "suspended", help="kubernaut resume")


def _for_people(situation: Situation) -> Plan | None:
    handling = handling_of(situation.alert)
    best = situation.best
    if handling.stance is not Stance.ESCALATE or best is None or best.verdict is Verdict.ESCALATE:
        return None
    return _close(Ending.ESCALATED, f"{situation.alert} is for people: {handling.reason}", "alert_for_people")


def _no_safe_remedy(situation: Situation) -> Plan | None:
    best = situation.best
    if best is not None and best.verdict is not Verdict.ESCALATE and best.remedies:
        return None
    cause = best.cause if best else "unknown"
    if situation.now - situation.began < situation.patience:
        return Plan(Decision.WAIT, f"{cause}: no safe action fits; many such faults pass by themselves", guard="young")
    return _close(Ending.ESCALATED, f"{cause}: no safe action fits, a person has to decide", "no_safe_action")


def _suggesting(situation: Situation) -> Plan | None:
    if situation.scope.autonomy is not Autonomy.SUGGEST:
        return None
    return _close(Ending.ESCALATED, "this namespace takes suggestions only", "autonomy_suggest")


def _failed_too_often(situation: Situation) -> Plan | None:
    since = situation.now - FAILURES_WINDOW
    failed = sum(1 for past in situation.history if past.at >= since and not past.kept)
    if failed < FAILURES_ALLOWED:
        return None
    reason = f"{failed} remedies on this object did not help within an hour"
    return _close(Ending.ESCALATED, reason, "consecutive_failures")


def _close(ending: Ending, reason: str, guard: str, *, help: str = "") -> Plan:  # noqa: A002  # the word users read
    return Plan(Decision.CLOSE, reason, guard=guard, help=help, ending=ending)


def _scope_object(target: ObjectRef) -> tuple[str, str]:
    """What carries the labels: the namespace, or the object itself where it has none."""
    return ("namespace", target.namespace) if target.namespace else (target.kind.lower(), target.name)


GUARDS: tuple[Guard, ...] = (
    _self_resolved,
    _not_to_be_seen,
    _unexplained,
    _nothing_wrong,
    _unmanaged,
    _observing,
    _suspended,
    _for_people,
    _no_safe_remedy,
    _suggesting,
    _failed_too_often,
)
