"""What is said of what people pasted into a ticket, where it differs from what is said of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.diagnosing import NO_HYPOTHESIS, Search, diagnosis_of, survey
from kubernaut.investigation.finding import Role
from kubernaut.investigation.hearsay import NO_TICKET, Ticket
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.things import SURVEYED, THINGS


def survey_of_ticket(
    scene: Scene, asked_about: Sequence[ObjectRef] = (), ticket: Ticket = NO_TICKET
) -> list[Diagnosis]:
    """The survey of what people pasted, which nobody pastes without a complaint.

    Where nothing is broken, the objects count that are a matter of taste elsewhere: an autoscaler at its maximum, a
    budget that allows nothing, a suspended schedule.
    """
    return survey(scene, asked_about, ticket) or _matters_of_taste(scene)


def never_at_once(told: Diagnosis) -> Diagnosis:
    """The diagnosis of what people pasted: it may be of yesterday, or made up, so somebody has to approve."""
    softer = (replace(one, verdict=Verdict.APPROVE) if one.verdict is Verdict.ACT else one for one in told.hypotheses)
    return replace(told, hypotheses=tuple(softer))


def _matters_of_taste(scene: Scene) -> list[Diagnosis]:
    search = Search(scene)
    found = []
    for item in (item for kind in THINGS if kind not in SURVEYED for item in scene.all(kind)):
        own = [entry for entry in search.candidates(item) if entry.cause.role is Role.FAULT]
        hand = (escalate(item.ref),)
        softer = [
            replace(entry, finding=replace(entry.finding, verdict=Verdict.ESCALATE, remedies=hand)) for entry in own
        ]
        if softer:
            found.append(diagnosis_of(scene, item.ref, softer))
    return sorted(found, key=lambda one: -(one.best or NO_HYPOTHESIS).confidence)
