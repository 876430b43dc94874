"""A claim's provisioner cannot make its volume."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import CLAIM, Thing
from kubernaut.investigation.volumes import NO_CLASS, NO_VOLUME, Waiting, waiting, waiting_claims


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload whose pods wait for such a claim."""
    found = next((entry for entry in waiting_claims(workload) if _is_refused(entry)), None)
    return _finding(found, workload.title) if found else None


def examine_thing(thing: Thing) -> Finding | None:
    """The finding for the claim itself."""
    found = waiting(thing.scene, thing.object) if thing.object.kind == CLAIM else None
    return _finding(found, "its pods") if found and _is_refused(found) else None


def _is_refused(found: Waiting) -> bool:
    return bool(found.message) and not NO_CLASS.search(found.message) and not NO_VOLUME.search(found.message)


def _finding(found: Waiting, whom: str) -> Finding:
    return Finding(
        target=found.claim.ref,
        summary=(
            f"PersistentVolumeClaim {found.claim.name} gets no volume, {whom} waits for it: "
            f"{quoted(found.message, 200)}."
        ),
        verdict=Verdict.ESCALATE,
        supporting=found.facts,
        remedies=(escalate(found.claim.ref),),
        places={"claim": found.claim.name},
    )


CAUSE = Cause(
    id=CauseId("provisioning_failed"),
    title="A claim's provisioner cannot make its volume",
    faults=(),
    needs=("Pod", CLAIM, "Event"),
    look_alikes={
        "storage_class_missing": "the class that the claim names does not exist",
        "claim_unbound": "no provisioner is at work, and no volume fits",
    },
    know="The text is the provider's: a quota of the cloud, a zone without room, or missing rights of the driver.",
    by_hand=(
        "kubectl -n {namespace} describe persistentvolumeclaim {claim}",
        "kubectl get csidrivers,storageclasses",
    ),
    workload=examine,
    thing=examine_thing,
)
