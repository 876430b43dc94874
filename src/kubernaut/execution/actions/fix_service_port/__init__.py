"""Points a Service's port at the port that its pods listen on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.provenance import last_applied
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import being_deleted, first, gone, owned_elsewhere
from kubernaut.execution.selection import pods_selected

_PORT = r"^([1-9][0-9]{0,4}|[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?)$"


class PortParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which port of the Service, and where it should lead."""

    port: Annotated[str, Meta(pattern=_PORT, max_length=63, description="the Service's port, by name or number")]
    target_port: Annotated[str, Meta(pattern=_PORT, description="the container's port, by number or name")]


async def prepare(on: Situation[PortParameters]) -> Prepared | Refused:
    """The target port, where the ready pods declare it and it was applied, or they do not declare the present one."""
    service = await on.reader.get(on.target)
    if service is None:
        return gone(on.target)
    refusal = first(being_deleted(service), owned_elsewhere(service))
    if refusal:
        return refusal
    index = _index_of(service, on.parameters.port)
    if index is None:
        return Refused("port_missing", f"{service.ref} has no port {on.parameters.port}")
    entry = service.trees("spec", "ports")[index]
    wanted = on.parameters.target_port
    present = str(entry.at("targetPort") or entry.at("port"))
    if present == wanted:
        return Refused("no_effect", f"port {on.parameters.port} of {service.ref} leads to {wanted} already")
    selector = service.mapping("spec", "selector")
    pods = [pod for pod in await pods_selected(on.reader, service.namespace, selector) if is_ready(pod)]
    refusal = _wrong_pods(service, pods if selector else [], wanted) or _serving(service, pods, entry, wanted)
    if refusal:
        return refusal
    value = int(wanted) if wanted.isdecimal() else wanted
    change = edit(service, setting(service, value, "spec", "ports", index, "targetPort"))
    return Prepared(service, change, f"port {on.parameters.port} of {len(pods)} ready pods")


def _wrong_pods(service: KubeObject, pods: list[KubeObject], wanted: str) -> Refused | None:
    if not pods:
        return Refused("no_pods", f"{service.ref} selects no ready pod")
    if not all(wanted in _declared(pod) for pod in pods):
        return Refused("port_not_declared", f"not every ready pod of {service.ref} declares port {wanted}")
    return None


def _serving(service: KubeObject, pods: list[KubeObject], port: Tree, wanted: str) -> Refused | None:
    """Refuses where the present port is one of the pods', unless it was not the one that was applied."""
    present = str(port.at("targetPort") or port.at("port"))
    if _applied(service, port) == wanted or not all(present in _declared(pod) for pod in pods):
        return None
    return Refused("still_serving", f"every ready pod of {service.ref} declares its present port {present}")


def _applied(service: KubeObject, port: Tree) -> str:
    """Where the port led when the Service was applied last; empty where that is not recorded."""
    applied = last_applied(service)
    for entry in applied.trees("spec", "ports") if applied else []:
        if (entry.text("name"), entry.integer("port")) == (port.text("name"), port.integer("port")):
            return str(entry.at("targetPort") or entry.at("port"))
    return ""


def _index_of(service: KubeObject, port: str) -> int | None:
    for index, entry in enumerate(service.trees("spec", "ports")):
        if port in {entry.text("name"), str(entry.integer("port"))}:
            return index
    return None


def _declared(pod: KubeObject) -> set[str]:
    ports = [port for container in pod.trees("spec", "containers") for port in container.trees("ports")]
    return {port.text("name") for port in ports} | {str(port.integer("containerPort")) for port in ports}


ACTION = Action[PortParameters](
    id=ActionId("fix_service_port"),
    summary="makes a Service's port lead to the port that its pods declare",
    targets=("Service",),
    parameters=PortParameters,
    when="ready pods are selected, but none declares the target port, or another one was applied",
    never="where the pods declare the present port and no other was applied, or do not declare the new one",
    before="same uid; ready pods that declare the new port, and not the present one or not as applied; owner free",
    risk=Risk.MEDIUM,
    undo="target port back to the snapshot",
    reads=(Rule("", "services", ("get",)), Rule("", "pods", ("list",))),
    writes=(Rule("", "services", ("patch",)),),
    prepare=prepare,
)
