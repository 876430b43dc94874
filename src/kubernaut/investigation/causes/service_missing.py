"""A workload calls a Service that does not exist."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.domain.quantities import parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.addresses import addresses
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.lookups import failed_lookup
from kubernaut.investigation.origin import Relevant, origin
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container cannot resolve a name that no Service of its namespace has.

    Where the Services could not be read, the answer of the cluster's name server stands for them.
    """
    found = failed_lookup(workload)
    name = found.service(workload.object.namespace) if found else ""
    scene, place = workload.scene, workload.object.namespace
    if found is None or not name:
        return None
    if not scene.covers("Service", place, name) and (found.asked_abroad or not found.is_denied):
        return None
    if scene.get("Service", place, name) is not None:
        return None
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
