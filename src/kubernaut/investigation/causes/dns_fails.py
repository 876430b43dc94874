"""Names that exist are not resolved in the cluster."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.configuration import recorded
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.lookups import alias_of, asks_elsewhere, failed_lookup
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

_COREFILE = ("kube-system", "coredns")


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container cannot resolve a Service that is there, with the cluster's own DNS."""
    found = failed_lookup(workload)
    place = workload.object.namespace
    name = found.service(place) if found else ""
    service = workload.scene.get("Service", place, name) if name else None
    if found is None or service is None or _leads_nowhere(workload, service) or asks_elsewhere(workload.template):
        return None
    container = found.complaint.container
    edited = _edited(workload)
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {container.label} cannot resolve {found.host}, and Service {name} is there: "
            "look at CoreDNS, its Corefile, and whether a NetworkPolicy forbids port 53."
        ),
        verdict=Verdict.APPROVE if edited else Verdict.ESCALATE,
        supporting=(
            found.complaint.fact,
            facts.field(service, "metadata.creationTimestamp", f"Service {name} exists", service.created_at),
            *edited,
        ),
        remedies=(*_applied(workload), escalate(workload.ref)) if edited else (escalate(workload.ref),),
        places={"pod": container.pod.name, "container": container.name, "host": found.host},
    )


def _leads_nowhere(workload: Workload, service: KubeObject) -> bool:
    """Whether it is an alias of a Service that does not exist: then the name server is right."""
    alias = alias_of(service)
    return alias is not None and workload.scene.get("Service", *alias) is None


def _edited(workload: Workload) -> list[Fact]:
    """That the Corefile is not the one that was last applied."""
    item = workload.scene.get("ConfigMap", *_COREFILE)
    if item is None or not recorded(item, "Corefile"):
        return []
    author = last_writer(item, "data")
    by = f", and was written {author}" if author else ""
    return [facts.change(item, "data[Corefile]", f"it is not what was last applied{by}", author.at if author else None)]


def _applied(workload: Workload) -> list[ActionCall]:
    item = workload.scene.get("ConfigMap", *_COREFILE)
    return [call("restore_configmap", item.ref, key="Corefile")] if item else []


CAUSE = Cause(
    id=CauseId("dns_fails"),
    title="The cluster's DNS does not resolve a name that exists",
    faults=(89,),
    needs=("Pod", "Service"),
    look_alikes={
        "service_missing": "there is no Service of that name",
        "pod_dns_wrong": "only this workload asks another DNS server",
    },
    know="The Corefile sits in ConfigMap kube-system/coredns: a template or rewrite in it can hide single names.",
    by_hand=(
        "kubectl -n kube-system get configmap coredns -o yaml",
        "kubectl -n kube-system logs -l k8s-app=kube-dns",
        "kubectl -n {namespace} exec {pod} -c {container} -- nslookup {host}",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    is_symptom=True,
    workload=examine,
)
