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
from kubernaut.domain.diagnosis import CHANGE_SETTLES, Hypothesis, Verdict
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.plans import Decision, Plan
from kubernaut.planning.history import PastAction
from kubernaut.planning.oscillation import Unrest
from kubernaut.ports import Suspension

# On an object or its namespace: whoever sets it asks that nothing is done until it is taken away again.
PAUSE_ANNOTATION = "kubernaut.ai/pause"
MANAGED_LABEL = "kubernaut.ai/managed"
AUTONOMY_LABEL = "kubernaut.ai/autonomy"
OBSERVED = "autonomy_observe"


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
class Pause:
    """A request to do nothing: what carries the annotation, as `kubectl` takes it, and the reason given."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the guards look at, read just before.

    `lawless` says why the policy cannot be used. `healed` are the remedies for the same alert or the same cause on the
    same object that were seen to help; the alert may go on firing for `look_back` after each.
    """

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
    pause: Pause | None = None
    lawless: str = ""
    healed: Sequence[PastAction] = ()
    look_back: timedelta = timedelta()
    unrest: Unrest | None = None
    help: str = ""
    changed: datetime | None = None

    @property
    def is_settling(self) -> bool:
        """Whether the change that is blamed is so new that what it needs may still come, and a remedy may fit then."""
        return self.changed is not None and self.now - self.changed < CHANGE_SETTLES


Guard = Callable[[Situation], Plan | None]


def scope_of(labels: Sequence[dict[str, str]], *, default: Autonomy) -> Scope:
    """The scope from the labels of the object and of its namespace, the most specific first."""
    # The object's own label wins over its namespace's, so that one workload can be left out of a managed namespace.
    managed = next((each[MANAGED_LABEL] for each in labels if MANAGED_LABEL in each), "")
    word = next((each[AUTONOMY_LABEL] for each in labels if AUTONOMY_LABEL in each), default.value)
    autonomy = Autonomy(word) if word in {level.value for level in Autonomy} else Autonomy.OBSERVE
    # Anything but `true` is no consent: a typo must not let us in.
    return Scope(managed=managed == "true", autonomy=autonomy)


def pause_of(items: Sequence[KubeObject]) -> Pause | None:
    """The request for a pause that one of them carries; `false` and nothing at all are none."""
    for item in items:
        reason = item.annotations.get(PAUSE_ANNOTATION, "")
        # Whoever writes `false` means no pause; every other value is the reason that is shown.
        if reason and reason.lower() != "false":
            within = f" -n {item.namespace}" if item.namespace else ""
            return Pause(f"{item.kind.lower()} {item.name}{within}", reason[:200])
    return None


def objection(situation: Situation) -> Plan | None:
    """The first guard's refusal, None where none objects."""
    return next((plan for guard in GUARDS if (plan := guard(situation)) is not None), None)


def standing_refusal(situation: Situation) -> Plan | None:
    """The refusal that not even a person's consent lifts, since whoever consented may not know of it."""
    return next((plan for guard in STANDING if (plan := guard(situation)) is not None), None)


def _self_resolved(situation: Situation) -> Plan | None:
    if situation.firing:
        return None
    return close(Ending.SELF_RESOLVED, "the alert was resolved before anything was done", "resolved")


def _not_to_be_seen(situation: Situation) -> Plan | None:
    handling = handling_of(situation.alert)
    if not handling.is_unseen:
        return None
    return close(Ending.ESCALATED, f"{situation.alert} is for people: {handling.reason}", "alert_for_people")


def _unexplained(situation: Situation) -> Plan | None:
    """An alert that nobody here knows goes on, and what can be seen is healthy: it measures something else."""
    found = situation.best
    healthy = found is None or (found.verdict is Verdict.DECLINE and found.cause == "healthy")
    if not situation.alert or handling_of(situation.alert).is_known or not healthy or not situation.scope.managed:
        return None
    reason = f"{situation.alert} fires, and nothing wrong is to be seen on {situation.target}"
    if situation.now - situation.began < situation.patience:
        # Waiting costs nothing that the alert does not show anyway, and many such alerts end by themselves.
        return Plan(Decision.WAIT, reason, guard="young")
    return close(Ending.ESCALATED, f"{reason}: a person has to look at what it measures", "unexplained")


def _nothing_wrong(situation: Situation) -> Plan | None:
    best = situation.best
    if best is None:
        return close(Ending.NO_ACTION_NEEDED, f"nothing wrong was found on {situation.target}", "nothing_found")
    if best.verdict is not Verdict.DECLINE:
        return None
    match best.cause:
        case "rollout_in_progress":
            return Plan(Decision.WAIT, best.summary, guard="rollout_in_progress")
        case "self_healed":
            return close(Ending.SELF_RESOLVED, best.summary, "self_healed")
        case "healthy":
            return close(Ending.NO_ACTION_NEEDED, best.summary, "nothing_found")
        case _:
            return close(Ending.DECLINED, best.summary, str(best.cause))


def _unmanaged(situation: Situation) -> Plan | None:
    if situation.scope.managed:
        return None
    kind, name = _scope_object(situation.target)
    reason = f"{kind} {name} is not managed, so nothing was changed"
    return close(Ending.DECLINED, reason, "unmanaged", help=f"kubectl label {kind} {name} {MANAGED_LABEL}=true")


def _observing(situation: Situation) -> Plan | None:
    if situation.scope.autonomy is not Autonomy.OBSERVE:
        return None
    kind, name = _scope_object(situation.target)
    command = f"kubectl label --overwrite {kind} {name} {AUTONOMY_LABEL}=approve"
    # The label of the namespace is named, since that is where most people keep it.
    return close(Ending.DECLINED, f"{kind} {name} is only observed", OBSERVED, help=command)


def _suspended(situation: Situation) -> Plan | None:
    if situation.suspension is None:
        return None
    reason = f"all actions are suspended by {situation.suspension.by}: {situation.suspension.reason}"
    return close(Ending.BLOCKED, reason, "suspended", help="kubernaut resume")


def _for_people(situation: Situation) -> Plan | None:
    handling = handling_of(situation.alert)
    best = situation.best
    if handling.stance is not Stance.ESCALATE or best is None or best.verdict is Verdict.ESCALATE:
        return None
    return close(Ending.ESCALATED, f"{situation.alert} is for people: {handling.reason}", "alert_for_people")


def _no_safe_remedy(situation: Situation) -> Plan | None:
    best = situation.best
    if best is not None and best.verdict is not Verdict.ESCALATE and best.remedies:
        return None
    cause = best.cause if best else "unknown"
    if situation.now - situation.began < situation.patience or situation.is_settling:
        return Plan(Decision.WAIT, f"{cause}: no safe action fits; many such faults pass by themselves", guard="young")
    return close(Ending.ESCALATED, f"{cause}: no safe action fits, a person has to decide", "no_safe_action")


def _paused(situation: Situation) -> Plan | None:
    pause = situation.pause
    if pause is None:
        return None
    help_ = f"kubectl annotate {pause.place} {PAUSE_ANNOTATION}-"
    return close(Ending.BLOCKED, f"{pause.place} asks for a pause: {pause.reason}", "paused", help=help_)


def _lawless(situation: Situation) -> Plan | None:
    if not situation.lawless:
        return None
    reason = f"the policy cannot be used, so nothing is done: {situation.lawless}"
    return close(Ending.BLOCKED, reason, "policy_broken", help=situation.help)


def _just_healed(situation: Situation) -> Plan | None:
    """An alert goes on firing for its look-back after the fault is mended: that is no reason to mend it twice."""
    for past in situation.healed:
        if past.at > situation.now - situation.look_back:
            reason = f"{past.call.action} healed this moments ago, and its alert looks back: it is watched first"
            return Plan(Decision.WAIT, reason, guard="post_success_hold")
    return None


def _restless(situation: Situation) -> Plan | None:
    found = situation.unrest
    return None if found is None else close(Ending.ESCALATED, found.reason, found.guard)


def close(
    ending: Ending,
    reason: str,
    guard: str,
    *,
    help: str = "",  # noqa: A002  # the word users read
    rule: str = "",
) -> Plan:
    """The plan to end the incident so."""
    return Plan(Decision.CLOSE, reason, guard=guard, help=help, ending=ending, rule=rule)


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
    _paused,
    _for_people,
    _no_safe_remedy,
    _lawless,
    _just_healed,
    _restless,
)
# Asked again after consent: what the person could not know of, or what was ordered since, still holds.
STANDING: tuple[Guard, ...] = (_self_resolved, _unmanaged, _suspended, _paused, _lawless)
