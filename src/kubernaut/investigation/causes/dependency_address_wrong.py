"""A workload is configured to call a Service at a port that the Service does not have."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation import facts
from kubernaut.investigation.addresses import Address, addresses, offers, service_of
from kubernaut.investigation.condition import is_under_way
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Relevant, origin
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference


def examine(workload: Workload) -> Finding | None:
    """The finding when a workload in trouble names a Service with a port that this Service does not offer."""
    if workload.failing_pulls or is_under_way(workload):
        return None  # what never started called nobody
    if not workload.crashing and all(is_ready(pod) for pod in workload.pods):
        return None
    for address in addresses(workload):
        service = service_of(workload, address) if address.is_of(workload.object.namespace) else None
        if service is None or not address.port or offers(service, address.port):
            continue
        ports = ", ".join(str(entry.integer("port")) for entry in service.trees("spec", "ports"))
        place = f"in {address.source} " if address.source else ""
        source = origin(
            workload,
            _of_the_address(address),
            otherwise=f"The template did not change: the address {place}did, or the Service's ports.",
        )
        text = f"{address.variable} {place}names {address}; Service {service.name} has port {ports}"
        return Finding(
            target=workload.ref,
            summary=f"{workload.title}: {text}. {source.words}",
            verdict=source.verdict,
            supporting=(
                facts.field(workload.object, address.path, text),
                facts.field(service, "spec.ports", f"Service {service.name} has port {ports}, not {address.port}"),
                *_logged(workload, address),
                *source.facts,
            ),
            remedies=source.remedies,
            places={"service": service.name, "container": address.container},
        )
    return None


def _of_the_address(address: Address) -> Relevant:
    def relevant(part: Difference) -> bool:
        return str(address) in str(part.new) and str(address) not in str(part.old)

    return relevant


def _logged(workload: Workload, address: Address) -> list[Fact]:
    """The log line that names the same port or host."""
    for entry in workload.containers:
        for line in workload.scene.log_of(entry.pod, entry.name):
            if f":{address.port}" in line.text or address.host in line.text:
                return [facts.log(line)]
    return []


CAUSE = Cause(
    id=CauseId("dependency_address_wrong"),
    title="A workload calls a Service at a port that it does not have",
    faults=(83, 96),
    needs=("Pod", "ReplicaSet", "Service"),
    look_alikes={
        "service_port_wrong": "the Service has the port, and sends on to one on which its pods do not listen",
        "service_missing": "there is no Service of that name",
    },
    know="A call goes to the Service's port, not to the port of its pods: the two often differ.",
    by_hand=(
        "kubectl -n {namespace} get service {service} -o jsonpath='{{.spec.ports}}'",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec.containers[*].env}}'",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change"),
    workload=examine,
)
