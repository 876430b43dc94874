"""A Service sends to a port on which its pods do not listen."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.provenance import last_applied
from kubernaut.investigation import facts
from kubernaut.investigation.containers import EPHEMERAL, INIT, containers_of, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.hearsay import said_about
from kubernaut.investigation.probes import port_of
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.routing import edited
from kubernaut.investigation.subjects import Service

_REFUSED = re.compile(r"(?i)connection refused|ECONNREFUSED|failed to connect|could ?n[o']t connect")


@dataclass(frozen=True, slots=True)
class _Fix:
    """The port that is wrong, where it should lead, and how that is known."""

    port: Tree
    target: str
    facts: tuple[Fact, ...]
    is_proven: bool


def examine(service: Service) -> Finding | None:
    """The finding when a targetPort is no port of the selected ready pods and one other port is meant.

    A declared port only informs: a container may listen elsewhere. So a number that is merely undeclared is claimed
    only where the probe that succeeds, an edit, or the applied manifest points to another one. A declared port is wrong
    where somebody led the Service to another container since it was applied: that is a companion's.
    """
    ready = [pod for pod in service.selected if is_ready(pod)]
    if service.is_routed_by_labels and not ready and service.ready_endpoints:
        return _refused(service)
    if not service.is_routed_by_labels or not ready:
        return None
    for port in service.object.trees("spec", "ports"):
        # Every stored Service has one: where a table left it out, it is not known.
        if not port.has("targetPort"):
            continue
        if _is_declared(port, ready[0]):
            moved = _applied(service, port, ready[0])
            elsewhere = moved and _listener(moved.target, ready[0]) != _listener(_target(port), ready[0])
            if moved and elsewhere and edited(service, "spec", "ports"):
                return _finding(service, replace(moved, is_proven=False), ready)
            continue
        fix = _applied(service, port, ready[0]) or _named(service, port, ready[0]) or _probed(service, port, ready[0])
        if fix:
            return _finding(service, fix, ready)
    return None


def _refused(service: Service) -> Finding | None:
    """The finding where calls are quoted to be refused although there are ready addresses: nothing listens there."""
    item = service.object
    ports = [port for port in item.trees("spec", "ports") if port.has("targetPort")]
    said = said_about(service.scene, item.name, item.namespace, _REFUSED)
    if not said or len(ports) != 1:
        return None
    text = f"{service.ready_endpoints} ready addresses take calls on targetPort {_target(ports[0])}"
    return Finding(
        target=item.ref,
        summary=f"Service {item.name}: {text}, and they refuse them: nothing listens there.",
        verdict=Verdict.ESCALATE,
        supporting=(facts.field(item, "spec.ports", text), facts.log(said[0])),
        remedies=(escalate(item.ref),),
        places={"pod": "POD"},
    )


def _finding(service: Service, fix: _Fix, ready: list[KubeObject]) -> Finding:
    item, wrong = service.object, _target(fix.port)
    declared = ", ".join(_ports(ready[0])) or "no port"
    named = fix.port.text("name") or str(fix.port.integer("port"))
    changed = edited(service, "spec", "ports")
    why = "which was not applied" if _is_declared(fix.port, ready[0]) else "where nothing listens"
    return Finding(
        target=item.ref,
        summary=(
            f"Service {item.name} port {named} leads to {wrong}, {why}: its {len(ready)} ready pods declare {declared}."
        ),
        verdict=Verdict.ACT if fix.is_proven or (changed and not _is_declared(fix.port, ready[0])) else Verdict.APPROVE,
        supporting=(
            facts.field(item, f"spec.ports[{named}].targetPort", f"targetPort {wrong}"),
            facts.field(ready[0], "spec.containers[*].ports", f"the ready pods declare {declared}"),
            *fix.facts,
            *changed,
        ),
        remedies=(call("fix_service_port", item.ref, port=named, target_port=fix.target), escalate(item.ref)),
    )


def _target(port: Tree) -> str:
    value = port.at("targetPort")
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    return str(port.integer("port"))


def _ports(pod: KubeObject) -> dict[str, str]:
    """The declared ports by number, with their names."""
    return {
        str(entry.integer("containerPort")): entry.text("name")
        for container in containers_of(pod)
        if container.role not in (INIT, EPHEMERAL)
        for entry in container.spec.trees("ports")
    }


def _listener(target: str, pod: KubeObject) -> str:
    """The container that declares the port of that name or number."""
    for container in containers_of(pod):
        for entry in container.spec.trees("ports"):
            if target in (entry.text("name"), str(entry.integer("containerPort"))):
                return container.name
    return ""


def _is_declared(port: Tree, pod: KubeObject) -> bool:
    declared = _ports(pod)
    target = _target(port)
    # Nothing declared proves nothing about a number; a name, though, must be declared to be resolved.
    return target in declared or target in declared.values() or (not declared and target.isdecimal())


def _applied(service: Service, port: Tree, pod: KubeObject) -> _Fix | None:
    """The targetPort that was applied last, where it is one of the pods'."""
    applied = last_applied(service.object)
    for entry in applied.trees("spec", "ports") if applied else []:
        same = entry.text("name") == port.text("name") and entry.integer("port") == port.integer("port")
        if same and _target(entry) != _target(port) and _is_declared(entry, pod):
            text = f"applied with targetPort {_target(entry)}"
            fact = facts.field(service.object, "metadata.annotations[last-applied]", text)
            return _Fix(port, _target(entry), (fact,), is_proven=True)
    return None


def _probed(service: Service, port: Tree, pod: KubeObject) -> _Fix | None:
    """The only port that is left over, where the readiness probe shows that the application answers on it."""
    taken = {_target(entry) for entry in service.object.trees("spec", "ports")}
    free = [number for number, name in _ports(pod).items() if number not in taken and name not in taken]
    probes = [container for container in containers_of(pod) if container.spec.has("readinessProbe")]
    asked = {port_of(container.spec.tree("readinessProbe")): container for container in probes}
    if len(free) != 1:
        return None
    number = free[0]
    container = asked.get(number) or asked.get(_ports(pod)[number] or "-")
    if container is None:
        return None
    text = f"the readiness probe succeeds on port {number}"
    fact = facts.field(pod, f"spec.containers[{container.name}].readinessProbe", text)
    return _Fix(port, number, (fact,), is_proven=False)


def _named(service: Service, port: Tree, pod: KubeObject) -> _Fix | None:
    """For a name that no container declares, the only port left to mean: such a Service has no port to send to."""
    declared = _ports(pod)
    taken = {_target(entry) for entry in service.object.trees("spec", "ports")}
    free = [(number, name) for number, name in declared.items() if number not in taken and name not in taken]
    if _target(port).isdecimal() or len(free) != 1:
        return None
    number, name = free[0]
    text = f"no container names a port {_target(port)}; the only one that nothing leads to is {name or number}"
    fact = facts.absence(pod, f"port {_target(port)}", text)
    return _Fix(port, name or number, (fact,), is_proven=len(declared) == 1)


CAUSE = Cause(
    id=CauseId("service_port_wrong"),
    title="A Service leads to a port on which its pods do not listen",
    faults=(78,),
    needs=("Service", "Pod"),
    look_alikes={
        "service_selector_wrong": "the Service selects no pod at all",
        "readiness_probe_wrong": "the pods are not ready",
    },
    know="containerPort only informs: a container may listen on a port that it does not declare.",
    by_hand=(
        "kubectl -n {namespace} get service {name} -o jsonpath='{{.spec.ports}}'",
        "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}",
    ),
    service=examine,
)
