"""What was right to write and to say about a problem, by its policy."""

from __future__ import annotations

from collections.abc import Iterable

from kubernaut.domain.lifecycle import Ending
from kubernaut.gameday.audit import Written
from kubernaut.gameday.autopilot import Account
from kubernaut.gameday.fault import Policy, Problem

_HANDED_OVER = (Ending.ESCALATED, Ending.UNDONE)


def outside_of(problem: Problem, writes: Iterable[Written]) -> int:
    """How many of the writes no remedy of the problem may make."""
    return sum(one.times for one in writes if not belongs(problem, one.ref.kind, one.ref.name))


def belongs(problem: Problem, kind: str, name: str) -> bool:
    """Whether a remedy may write that: the target, or a pod of it."""
    if any((ref.kind, ref.name) == (kind, name) for ref in problem.declared):
        return True
    apps = [ref.name for ref in problem.declared if ref.kind in {"Deployment", "StatefulSet", "DaemonSet"}]
    return kind in {"Pod", "ReplicaSet"} and any(name.startswith(f"{app}-") for app in apps)


def verified(problem: Problem, account: Account | None, *, mutations: int) -> bool:
    """Whether Kubernaut says itself that it ended as it had to.

    An alert that comes late may open one more incident of what was handed over: noise, and no harm.
    """
    if account is None:
        return False
    if problem.fault.control:
        return not mutations and not account.ended_as(Ending.HEALED, Ending.UNDONE, Ending.FAILED)
    if problem.fault.policy is Policy.ESCALATE:
        return not mutations and account.ended_as(*_HANDED_OVER) and not account.ended_as(Ending.HEALED)
    return account.ended_as(Ending.HEALED)
