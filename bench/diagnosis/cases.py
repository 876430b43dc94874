"""What a case is: a row of the fault catalogue, what is done, and what a right answer says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bench.diagnosis.system import System
from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import ObjectRef

POD_OWNERS = ("Deployment", "StatefulSet", "DaemonSet")
SCALED = ("Deployment", "StatefulSet")


class Policy(StrEnum):
    """What the fault catalogue says is to be done about a row."""

    ACT = "act"
    APPROVE = "act+appr"
    ESCALATE = "esc"
    DECLINE = "decl"


# A fault whose remedy needs a person's word must not be acted on without it, and escalating it is no mistake;
# one that may be acted on has a remedy, so escalating it is too timid.
RIGHT_VERDICTS: Mapping[Policy, frozenset[Verdict]] = {
    Policy.ACT: frozenset({Verdict.ACT, Verdict.APPROVE}),
    Policy.APPROVE: frozenset({Verdict.APPROVE, Verdict.ESCALATE}),
    Policy.ESCALATE: frozenset({Verdict.ESCALATE}),
    Policy.DECLINE: frozenset({Verdict.DECLINE}),
}


class Symptom(StrEnum):
    """Where the symptom comes from: the sandbox's own behaviour, or a status written as the real cluster does."""

    SIMULATED = "simulated"
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Aim:
    """What the alert names and which objects a right diagnosis points at.

    `back_to` is the revision that a rollback must lead to, where the history holds worse ones.
    """

    labels: Mapping[str, str]
    targets: tuple[ObjectRef, ...]
    back_to: int | None = None


Inject = Callable[[System], Aim | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to make one row of the fault catalogue. `causes` are all ids that would be right."""

    row: int
    name: str
    causes: tuple[str, ...]
    policy: Policy
    inject: Inject
    alerts: tuple[str, ...]
    kinds: tuple[str, ...] = POD_OWNERS
    symptom: Symptom = Symptom.SIMULATED
    prepare: Callable[[System], None] = lambda _: None
    verdicts: tuple[Verdict, ...] = ()
    minutes: tuple[int, int] = (9, 18)

    @property
    def right_verdicts(self) -> frozenset[Verdict]:
        """The verdicts that the row's policy allows."""
        return frozenset(self.verdicts) or RIGHT_VERDICTS[self.policy]


# The content of an object that was deleted is recorded nowhere in a cluster: nobody could restore it without making it
# up, so a deletion is for people, whatever its row says.
NOTHING_LEFT = (Verdict.ESCALATE,)
FAULTS: list[Fault] = []
# The same rows as they occur beside the obvious form; `bench/diagnosis/variants` declares them.
VARIANTS: list[Fault] = []
_NOT_READY = ("KubePodNotReady", "KubeDeploymentReplicasMismatch", "KubeContainerWaiting", "KubePodCrashLooping")


def nothing(_system: System) -> None:
    """No preparation is needed."""


def fault(  # noqa: PLR0913  # one argument a part of the definition
    row: int,
    causes: str,
    policy: Policy,
    *,
    alerts: str = "",
    kinds: tuple[str, ...] = POD_OWNERS,
    written: bool = False,
    prepare: Callable[[System], None] = nothing,
    verdicts: tuple[Verdict, ...] = (),
    minutes: tuple[int, int] = (9, 18),
    into: list[Fault] = FAULTS,
) -> Callable[[Inject], Inject]:
    """Declares a fault; the decorated function does it, and says what the alert names where that is not the target."""

    def declare(inject: Inject) -> Inject:
        into.append(
            Fault(
                row=row,
                name=inject.__name__,
                causes=tuple(causes.split()),
                policy=policy,
                inject=inject,
                alerts=tuple(alerts.split()) or _NOT_READY,
                kinds=kinds,
                symptom=Symptom.WRITTEN if written else Symptom.SIMULATED,
                prepare=prepare,
                verdicts=verdicts,
                minutes=minutes,
            )
        )
        return inject

    return declare


def about(target: ObjectRef, *others: ObjectRef) -> Aim:
    """An alert about an object, which a right diagnosis points at; the others would be right as well."""
    return Aim(labels_of(target), (target, *others))


def labels_of(target: ObjectRef) -> dict[str, str]:
    """The labels by which kube-state-metrics names the object."""
    word = {"Job": "job_name"}.get(target.kind, target.kind.lower())
    if target.kind == "Namespace":
        return {"namespace": target.name}
    return {word: target.name} | ({"namespace": target.namespace} if target.namespace else {})
