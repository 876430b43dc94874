"""The registry answers, but does not give the image to this node or service account."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.pulls import FailedPull, PullProblem, registry, repository
from kubernaut.investigation.remedies import way_back
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference


def examine(workload: Workload) -> Finding | None:
    """The finding when the registry refused; people approve, because credentials are theirs."""
    pull = next((pull for pull in workload.failed_pulls if pull.problem is PullProblem.UNAUTHORIZED), None)
    if pull is None:
        return None
    failing = pull.container

    def of_the_pull(difference: Difference) -> bool:
        if difference.touches("imagePullSecrets", "serviceAccountName", "serviceAccount"):
            return True
        return (
            difference.is_in(failing.name)
            and difference.touches("image")
            and (not isinstance(difference.old, str) or repository(difference.old) != repository(failing.image))
        )

    change = workload.change_fact(of_the_pull)
    back = way_back(workload, of_the_pull, verdict=Verdict.APPROVE)
    doubt = " The registry says the same where the repository does not exist." if pull.is_ambiguous else ""
    host = registry(failing.image)
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {host} refuses image {failing.image} of {failing.label}.{doubt} {back.words}",
        verdict=back.verdict,
        supporting=(*pull.facts, *_missing_secrets(workload, pull), *((change,) if change else ()), *back.facts),
        remedies=back.remedies,
        places={"pod": failing.pod.name},
    )


def _missing_secrets(workload: Workload, pull: FailedPull) -> list[Fact]:
    """That the pull secrets a pod names do not exist, or that it names none."""
    pod = pull.container.pod
    named = [entry.text("name") for entry in pod.trees("spec", "imagePullSecrets")]
    if not named and pod.ref in workload.scene.retold:
        return []  # no description shows them
    if not named:
        return [facts.field(pod, "spec.imagePullSecrets", "no image pull secret is set on the pod")]
    if not workload.scene.covers("Secret", pod.namespace):
        return []
    return [
        facts.absence(pod, f"secret/{name}", f"the pod names pull secret {name}; there is no Secret {name}")
        for name in named
        if workload.scene.get("Secret", pod.namespace, name) is None
    ]


CAUSE = Cause(
    id=CauseId("image_pull_unauthorized"),
    title="The registry refuses the image for lack of credentials",
    faults=(40,),
    needs=("Pod", "ReplicaSet", "Secret"),
    look_alikes={
        "image_not_found": "a registry that hides private names says 'pull access denied' for a wrong name, too",
        "registry_unreachable": "no answer at all",
    },
    know="The pull secret is missing, has expired or is of another registry, or the service account names none.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.imagePullSecrets}} {{.spec.serviceAccountName}}'",
        "kubectl -n {namespace} get secrets --field-selector type=kubernetes.io/dockerconfigjson",
    ),
    workload=examine,
)
