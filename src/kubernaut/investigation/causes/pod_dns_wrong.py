"""The pods ask a DNS server that does not know the cluster's names."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.lookups import Lookup, asks_elsewhere, failed_lookup
from kubernaut.investigation.origin import of_pod, origin
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container cannot resolve a name, and its pod does not ask the cluster's DNS."""
    found = failed_lookup(workload)
    setting = asks_elsewhere(workload.template)
    if found is None:
        return None
    if not workload.template.text("spec", "dnsPolicy") and found.asked_abroad:
        return _unseen(workload, found)
    if not setting:
        return None
    servers = ", ".join(workload.template.texts("spec", "dnsConfig", "nameservers")) or "the node's"
    source = origin(
        workload,
        of_pod("dnsPolicy", "dnsConfig", "hostNetwork"),
        otherwise="The setting is as old as the template: the name it cannot resolve is what is new.",
    )
    container = found.complaint.container
    text = f"{setting}, nameservers {servers}"
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {container.label} cannot resolve {found.host}: {text}. {source.words}",
        verdict=source.verdict,
        supporting=(
            found.complaint.fact,
            facts.field(workload.object, "spec.template.spec.dnsPolicy", text),
            *source.facts,
        ),
        remedies=source.remedies,
        places={"pod": container.pod.name, "container": container.name},
    )


def _unseen(workload: Workload, found: Lookup) -> Finding:
    """What the log alone says, where the policy was not read: the API server always gives one."""
    container, server = found.complaint.container, found.asked_abroad
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {container.label} cannot resolve {found.host}, and asked {server}, which is outside of "
            "the cluster: its dnsPolicy or dnsConfig is not shown."
        ),
        verdict=Verdict.ESCALATE,
        supporting=(found.complaint.fact,),
        remedies=(escalate(workload.ref),),
        places={"pod": container.pod.name, "container": container.name},
    )


CAUSE = Cause(
    id=CauseId("pod_dns_wrong"),
    title="The pods ask a DNS server that does not know the cluster's names",
    faults=(90,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={"dns_fails": "the pods ask the cluster's own DNS"},
    know=(
        "dnsPolicy Default takes the node's servers, None only those of dnsConfig; ClusterFirst knows Services, unless "
        "the pod is on the host's network."
    ),
    by_hand=(
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec.dnsConfig}}'",
        "kubectl -n {namespace} exec {pod} -c {container} -- cat /etc/resolv.conf",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change", "service_missing", "dns_fails", "init_container_fails"),
    workload=examine,
)
