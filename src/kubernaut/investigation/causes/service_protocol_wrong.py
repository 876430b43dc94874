"""A Service offers a port with another protocol than its pods speak there."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.provenance import last_applied
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.routing import edited
from kubernaut.investigation.subjects import Service


def examine(service: Service) -> Finding | None:
    """The finding when ready pods declare the port for the other protocol only, or it was applied with that one."""
    ready = [pod for pod in service.selected if is_ready(pod)]
    for port in service.object.trees("spec", "ports"):
        protocol = port.text("protocol") or "TCP"
        declared = _declared(ready[0], port) if ready else set()
        if not declared or protocol in declared:
            continue
        named = port.text("name") or str(port.integer("port"))
        spoken = ", ".join(sorted(declared))
        item = service.object
        applied = _applied(service, port)
        mended = (call("restore_service", item.ref, part="protocol"),) if applied else ()
        return Finding(
            target=item.ref,
            summary=(
                f"Service {item.name} offers port {named} as {protocol}; its {len(ready)} ready pods speak {spoken}."
            ),
            verdict=Verdict.ACT if mended else Verdict.ESCALATE,
            supporting=(
                facts.field(item, f"spec.ports[{named}].protocol", f"protocol {protocol}"),
                facts.field(ready[0], "spec.containers[*].ports", f"the ready pods declare that port as {spoken}"),
                *applied,
                *edited(service, "spec", "ports"),
            ),
            remedies=(*mended, escalate(item.ref)),
        )
    return None


def _declared(pod: KubeObject, port: Tree) -> set[str]:
    """The protocols for which the pod declares the port that the Service sends to."""
    target = str(port.at("targetPort") or port.integer("port"))
    return {
        entry.text("protocol") or "TCP"
        for container in pod.trees("spec", "containers")
        for entry in container.trees("ports")
        if target in (str(entry.integer("containerPort")), entry.text("name"))
    }


def _applied(service: Service, port: Tree) -> list[Fact]:
    applied = last_applied(service.object)
    for entry in applied.trees("spec", "ports") if applied else []:
        before, now = entry.text("protocol") or "TCP", port.text("protocol") or "TCP"
        if entry.integer("port") == port.integer("port") and before != now:
            text = f"applied with protocol {before}"
            return [facts.field(service.object, "metadata.annotations[last-applied]", text)]
    return []


CAUSE = Cause(
    id=CauseId("service_protocol_wrong"),
    title="A Service offers a port with another protocol than its pods speak",
    faults=(81,),
    needs=("Service", "Pod"),
    look_alikes={"service_port_wrong": "the protocol fits, and the port does not"},
    know="A port can be offered twice, once a protocol, under two names: DNS servers need both.",
    by_hand=(
        "kubectl -n {namespace} get service {name} -o jsonpath='{{.spec.ports}}'",
        "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name} -o yaml",
    ),
    service=examine,
)
