"""A workload calls a Service that does not exist."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_applied
from kubernaut.domain.quantities import parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.addresses import addresses
from kubernaut.investigation.complaints import complaints, failing
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.lookups import Lookup, alias_of, failed_lookup
from kubernaut.investigation.origin import Relevant, origin
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference

_IN_VAIN = (
    r"not reach|unreachable|cannot reach|refused|timed? ?out|no route|(?:cannot|could not|unable to|failed to) connect"
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container cannot resolve, or reach, a name that no Service of its namespace has.

    Where the Services could not be read, the answer of the cluster's name server stands for them.
    """
    found = failed_lookup(workload) or _called_in_vain(workload)
    name = found.service(workload.object.namespace) if found else ""
    scene, place = workload.scene, workload.object.namespace
    if found is None or not name:
        return None
    if not scene.covers("Service", place, name) and (found.asked_abroad or not found.is_denied):
        return None
    service = scene.get("Service", place, name)
    if service is not None:
        return _astray(workload, found, service)
    source = origin(
        workload,
        _of_the_name(name),
        otherwise=f"The template called it before: Service {name} was deleted, and comes back from its manifest.",
    )
    container = found.complaint.container
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {container.label} calls {found.host}, and there is no Service {name}. {source.words}"
        ),
        verdict=source.verdict,
        supporting=(found.complaint.fact, *_absence(workload, name), *source.facts),
        remedies=source.remedies,
        places={"pod": container.pod.name, "container": container.name, "service": name},
    )


def _called_in_vain(workload: Workload) -> Lookup | None:
    """What a failing container says about an address of its own settings that no Service has.

    Not every program repeats what the name server said: "not reached" is often all that its log tells.
    """
    place, scene = workload.object.namespace, workload.scene
    lost = {
        entry.host: None
        for entry in addresses(workload)
        if entry.is_of(place)
        and scene.covers("Service", place, entry.service)
        and scene.get("Service", place, entry.service) is None
    }
    among = failing(workload) if lost else []
    for host in lost:
        name = re.escape(host)
        form = re.compile(
            rf"(?i)(?:{_IN_VAIN}).*(?<![\w.-]){name}(?![\w.-])|(?<![\w.-]){name}(?![\w.-]).*(?:{_IN_VAIN})"
        )
        complaint = next(complaints(workload, form, among), None)
        if complaint is not None:
            return Lookup(host, complaint)
    return None


def _astray(workload: Workload, found: Lookup, service: KubeObject) -> Finding | None:
    """The finding for an alias of a Service that does not exist."""
    scene, alias = workload.scene, alias_of(service)
    if alias is None or scene.get("Service", *alias) is not None or not scene.covers("Service", alias[0]):
        return None
    leads = service.text("spec", "externalName")
    applied = last_applied(service)
    former = applied.text("spec", "externalName") if applied else ""
    meant = alias_of(KubeObject({"spec": {**applied.tree("spec").raw}})) if applied and former != leads else None
    proven = meant is not None and scene.get("Service", *meant) is not None
    told = (facts.change(service, "metadata.annotations[last-applied]", f"it was applied with {former}"),)
    container = found.complaint.container
    return Finding(
        target=service.ref,
        summary=(
            f"{workload.title}: {container.label} calls {found.host}, an alias of {leads}, and there is no Service "
            f"{alias[1]} in {alias[0]}.{f' It was applied with {former}.' if proven else ''}"
        ),
        verdict=Verdict.ACT if proven else Verdict.ESCALATE,
        supporting=(
            found.complaint.fact,
            facts.field(service, "spec.externalName", f"Service {service.name} is an alias of {leads}"),
            facts.absence(service, f"service/{alias[1]}", f"there is no Service {alias[1]} in {alias[0]}"),
            *(told if proven else ()),
        ),
        remedies=(
            *((call("restore_service", service.ref, part="external_name"),) if proven else ()),
            escalate(service.ref),
        ),
        places={"pod": container.pod.name, "container": container.name, "service": service.name},
    )


def _of_the_name(name: str) -> Relevant:
    def relevant(part: Difference) -> bool:
        return name in str(part.new) and name not in str(part.old)

    return relevant


def _absence(workload: Workload, name: str) -> list[Fact]:
    place, item = workload.object.namespace, workload.object
    told = []
    if workload.scene.covers("Service", place, name):
        told.append(facts.absence(item, f"service/{name}", f"there is no Service {name} in {place}"))
    named = next((entry for entry in addresses(workload) if entry.service == name), None)
    if named:
        told.append(facts.field(item, named.path, f"{named.variable} names {named}"))
    for quota in workload.scene.all("ResourceQuota", place):
        hard = parse_quantity(quota.at("status", "hard", "services"))
        used = parse_quantity(quota.at("status", "used", "services"))
        if hard is not None and used is not None and used >= hard:
            text = f"quota {quota.name}: all {hard} Services are used up, no other can be made"
            told.append(facts.field(quota, "status.used[services]", text))
    return told


CAUSE = Cause(
    id=CauseId("service_missing"),
    title="A workload calls a Service that does not exist",
    faults=(5, 82, 83),
    needs=("Pod", "ReplicaSet", "Service"),
    look_alikes={
        "dns_fails": "the Service is there, and its name is not resolved",
        "dependency_address_wrong": "the Service is there, and has no such port",
        "service_selector_wrong": "the Service is there, and reaches no pod",
    },
    know="A Service that is made again gets another address: clients that keep the old one have to be restarted.",
    by_hand=(
        "kubectl -n {namespace} get services",
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec.containers[*].env}}'",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    workload=examine,
)
