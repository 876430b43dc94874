"""Nobody answers at the registry's address, or it turns everybody away."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.pulls import PullProblem, registry
from kubernaut.investigation.remedies import escalate, way_back
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference
from kubernaut.investigation.untold import as_far_as_known

_SAME = "The image's host was not changed, so a rollback would not help."


def examine(workload: Workload) -> Finding | None:
    """The finding when the registry could not be asked; a rollback helps only where the change named another host."""
    pull = next((pull for pull in workload.failed_pulls if pull.problem is PullProblem.UNREACHABLE), None)
    if pull is None:
        return None
    failing, host = pull.container, registry(pull.container.image)

    def of_another_host(difference: Difference) -> bool:
        return (
            difference.is_in(failing.name)
            and difference.touches("image")
            and (not isinstance(difference.old, str) or registry(difference.old) != host)
        )

    change = workload.change_fact(of_another_host)
    brought = workload.change is not None and any(of_another_host(part) for part in workload.change.real)
    back = way_back(workload, of_another_host)
    remedies = back.remedies if brought else (escalate(workload.ref),)
    words = back.words if brought else as_far_as_known(workload, _SAME)
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: registry {host} of {failing.label} does not answer for {failing.image}. {words}",
        verdict=back.verdict if brought else Verdict.ESCALATE,
        supporting=(*pull.facts, *((change,) if change and brought else ()), *(back.facts if brought else ())),
        remedies=remedies,
        places={"pod": failing.pod.name, "host": host},
    )


CAUSE = Cause(
    id=CauseId("registry_unreachable"),
    title="The image registry cannot be reached",
    faults=(39,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "image_not_found": "the registry answers that it has no such image",
        "image_pull_unauthorized": "the registry answers 401 or 403",
    },
    know="A wrong host name fails for this workload alone; a registry that is down fails every new pod that uses it.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl get events -A --field-selector reason=Failed",
        "nslookup {host}",
    ),
    workload=examine,
)
