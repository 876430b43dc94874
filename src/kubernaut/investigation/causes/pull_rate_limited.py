"""The registry answers, and refuses because too much was pulled."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.pulls import failed_pull, registry
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(r"(?i)toomanyrequests|too many requests|pull rate limit|\b429\b")


def examine(workload: Workload) -> Finding | None:
    """The finding when the registry counts pulls. A rollback may need pulls as well, so people decide."""
    for container in workload.failing_pulls:
        pull = failed_pull(workload.scene, container)
        if not any(_FORM.search(fact.text) for fact in pull.facts):
            continue
        secrets = bool(container.pod.trees("spec", "imagePullSecrets"))
        hint = "" if secrets else " The pod pulls without credentials, for which registries allow least."
        return Finding(
            target=workload.ref,
            summary=(
                f"{workload.title}: {registry(container.image)} refuses {container.image}, too much was pulled.{hint}"
            ),
            verdict=Verdict.ESCALATE,
            supporting=pull.facts,
            remedies=(escalate(workload.ref),),
            places={"pod": container.pod.name},
        )
    return None


CAUSE = Cause(
    id=CauseId("pull_rate_limited"),
    title="The registry refuses because too much was pulled",
    faults=(39,),
    needs=("Pod",),
    look_alikes={
        "registry_unreachable": "the registry gives no answer",
        "image_pull_unauthorized": "the registry wants credentials, however little was pulled",
    },
    know="The limit counts by address or account and passes by itself; imagePullPolicy Always makes it come sooner.",
    by_hand=("kubectl -n {namespace} describe pod {pod}", "kubectl get events -A --field-selector reason=Failed"),
    narrows=("registry_unreachable",),
    workload=examine,
)
