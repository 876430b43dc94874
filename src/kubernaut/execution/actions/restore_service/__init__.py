"""Gives one part of a Service the form in which it was last applied."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from kubernaut.domain.changes import PatchOperation
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, KubeObject, ObjectRef, Tree
from kubernaut.domain.provenance import last_applied
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import owned_elsewhere
from kubernaut.execution.selection import pods_selected
from kubernaut.execution.targets import find


class PartParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """What of it."""

    part: Annotated[
        Literal["selector", "protocol", "traffic_policy", "external_name"],
        Meta(description="the selector, the protocol of its ports, internalTrafficPolicy, or externalName"),
    ]


async def prepare(on: Situation[PartParameters]) -> Prepared | Refused:
    """That part as `kubectl apply` recorded it, where ready pods stand behind the Service then."""
    service = await find(on, owned_elsewhere)
    if isinstance(service, Refused):
        return service
    applied = last_applied(service)
    if applied is None:
        text = f"{service.ref} was not made by `kubectl apply`, so what it was before is recorded nowhere"
        return Refused("unsupported", text)
    operations = _operations(service, applied, on.parameters.part)
    if not operations:
        return Refused("no_effect", f"{service.ref} has the {on.parameters.part} that was last applied")
    if on.parameters.part == "external_name":
        return await _renamed(on, service, applied, operations)
    held = applied if on.parameters.part == "selector" else service
    selector = held.mapping("spec", "selector")
    found = await pods_selected(on.reader, service.namespace, selector) if selector else []
    ready = [pod for pod in found if is_ready(pod)]
    if not ready:
        return Refused("no_pods", f"no ready pod would stand behind {service.ref}")
    return Prepared(service, edit(service, *operations), f"1 Service, {len(ready)} ready pods behind it afterwards")


async def _renamed(
    on: Situation[PartParameters], service: KubeObject, applied: Tree, operations: list[PatchOperation]
) -> Prepared | Refused:
    """The name that was applied, where it is that of a Service of the cluster which exists."""
    then = applied.text("spec", "externalName")
    name, *rest = then.split(".")
    if rest[1:2] != ["svc"] or await on.reader.get(ObjectRef("v1", "Service", rest[0], name)) is None:
        return Refused("target_missing", f"{service.ref} would lead to {then}, and no such Service is there")
    return Prepared(service, edit(service, *operations), f"1 Service, which leads to {then} afterwards")


def _operations(service: KubeObject, applied: Tree, part: str) -> list[PatchOperation]:
    match part:
        case "selector":
            then: Json = dict(applied.mapping("spec", "selector"))
            same = not then or then == service.mapping("spec", "selector")
            return [] if same else [setting(service, then, "spec", "selector")]
        case "protocol":
            return _protocols(service, applied)
        case "external_name":
            named = applied.text("spec", "externalName")
            same = not named or service.text("spec", "type") != "ExternalName"
            same = same or named == service.text("spec", "externalName")
            return [] if same else [setting(service, named, "spec", "externalName")]
        case _:
            policy = applied.text("spec", "internalTrafficPolicy") or "Cluster"
            same = policy == (service.text("spec", "internalTrafficPolicy") or "Cluster")
            return [] if same else [setting(service, policy, "spec", "internalTrafficPolicy")]


def _protocols(service: KubeObject, applied: Tree) -> list[PatchOperation]:
    """One change a port that was applied under the same name and number with another protocol."""
    then = {(port.text("name"), port.integer("port")): port for port in applied.trees("spec", "ports")}
    found = []
    for index, port in enumerate(service.trees("spec", "ports")):
        former = then.get((port.text("name"), port.integer("port")))
        wanted = (former.text("protocol") or "TCP") if former else ""
        if wanted and wanted != (port.text("protocol") or "TCP"):
            found.append(setting(service, wanted, "spec", "ports", index, "protocol"))
    return found


ACTION = Action[PartParameters](
    id=ActionId("restore_service"),
    summary="gives one part of a Service the form in which it was last applied",
    targets=("Service",),
    parameters=PartParameters,
    when="a Service was edited by hand after it was applied, and its callers fail since",
    never="where nothing records what was applied, or where no ready pod would stand behind it",
    before="same uid; recorded by `kubectl apply`; it differs; ready pods behind it afterwards; owner free",
    risk=Risk.MEDIUM,
    undo="the part back to the snapshot",
    reads=(Rule("", "services", ("get",)), Rule("", "pods", ("list",))),
    writes=(Rule("", "services", ("patch",)),),
    prepare=prepare,
)
