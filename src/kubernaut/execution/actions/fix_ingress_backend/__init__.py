"""Points one path of an Ingress at a Service that exists, or the Ingress at a class that exists."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, Tree
from kubernaut.domain.provenance import last_applied
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.targets import find

_NAME = r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$"


class BackendParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Either the path with its right Service and port, or the right class."""

    path: Annotated[str, Meta(max_length=1000, description="the path of the Ingress that leads astray")] = ""
    host: Annotated[str, Meta(max_length=253, description="its host; empty for the rule without one")] = ""
    service: Annotated[str, Meta(pattern=_NAME, description="a Service that exists")] = ""
    port: Annotated[str, Meta(max_length=15, description="a port of it, by name or number")] = ""
    ingress_class: Annotated[str, Meta(pattern=_NAME, description="a class that exists, to be changed instead")] = ""


async def prepare(on: Situation[BackendParameters]) -> Prepared | Refused:
    """The backend or the class, where the present one does not exist or is not what was last applied."""
    ingress = await find(on)
    if isinstance(ingress, Refused):
        return ingress
    return await (_classed if on.parameters.ingress_class else _rerouted)(on, ingress)


async def _rerouted(on: Situation[BackendParameters], ingress: KubeObject) -> Prepared | Refused:
    wanted = on.parameters
    place = _place(ingress, wanted)
    if place is None:
        text = f"{ingress.ref} has no path {wanted.path} for {wanted.host or 'any host'}"
        return Refused("path_missing", text)
    rule, path = place
    present = ingress.trees("spec", "rules")[rule].trees("http", "paths")[path].tree("backend")
    backend = _backend(wanted)
    if present.raw == backend:
        return Refused("no_effect", f"path {wanted.path} of {ingress.ref} leads there already")
    if not await _serves(on, ingress.namespace, Tree(backend)):
        return Refused("backend_missing", f"Service {wanted.service} with port {wanted.port} does not exist")
    if await _serves(on, ingress.namespace, present) and not _was_applied(ingress, wanted, backend):
        return Refused("still_serving", f"the present backend of {wanted.path} exists, and nothing proves another")
    value: Json = backend
    change = edit(ingress, setting(ingress, value, "spec", "rules", rule, "http", "paths", path, "backend"))
    return Prepared(ingress, change, f"1 path of {_paths(ingress)}")


async def _classed(on: Situation[BackendParameters], ingress: KubeObject) -> Prepared | Refused:
    wanted, present = on.parameters.ingress_class, ingress.text("spec", "ingressClassName")
    if present == wanted:
        return Refused("no_effect", f"{ingress.ref} has class {wanted} already")
    if await on.reader.get(_class_ref(wanted)) is None:
        return Refused("class_missing", f"there is no ingress class {wanted}")
    if present and await on.reader.get(_class_ref(present)) is not None:
        return Refused("still_serving", f"the present class {present} of {ingress.ref} exists")
    change = edit(ingress, setting(ingress, wanted, "spec", "ingressClassName"))
    return Prepared(ingress, change, f"all {_paths(ingress)} paths of 1 Ingress")


def _class_ref(name: str) -> ObjectRef:
    return ObjectRef("networking.k8s.io/v1", "IngressClass", "", name)


def _place(ingress: Tree, wanted: BackendParameters) -> tuple[int, int] | None:
    for number, rule in enumerate(ingress.trees("spec", "rules")):
        for index, path in enumerate(rule.trees("http", "paths")):
            if rule.text("host") == wanted.host and (path.text("path") or "/") == (wanted.path or "/"):
                return number, index
    return None


def _backend(wanted: BackendParameters) -> JsonObject:
    port: JsonObject = {"number": int(wanted.port)} if wanted.port.isdecimal() else {"name": wanted.port}
    return {"service": {"name": wanted.service, "port": port}}


async def _serves(on: Situation[BackendParameters], namespace: str, backend: Tree) -> bool:
    service = await on.reader.get(ObjectRef("v1", "Service", namespace, backend.text("service", "name")))
    port = str(backend.at("service", "port", "number") or backend.text("service", "port", "name"))
    ports = service.trees("spec", "ports") if service else []
    return any(port in {entry.text("name"), str(entry.integer("port"))} for entry in ports)


def _was_applied(ingress: KubeObject, parameters: BackendParameters, wanted: JsonObject) -> bool:
    applied = last_applied(ingress)
    place = _place(applied, parameters) if applied else None
    if applied is None or place is None:
        return False
    return applied.trees("spec", "rules")[place[0]].trees("http", "paths")[place[1]].tree("backend").raw == wanted


def _paths(ingress: KubeObject) -> int:
    return sum(len(rule.trees("http", "paths")) for rule in ingress.trees("spec", "rules"))


ACTION = Action[BackendParameters](
    id=ActionId("fix_ingress_backend"),
    summary="points one path of an Ingress at a Service that exists, or the Ingress at a class that exists",
    targets=("Ingress",),
    parameters=BackendParameters,
    when="a path leads to a Service or port that does not exist or was not applied, or the class does not exist",
    never="where the present backend exists and the last applied configuration does not name another",
    before="same uid; the new backend or class exists; the present one does not, or was not applied; owner free",
    risk=Risk.MEDIUM,
    undo="backend or class back to the snapshot",
    reads=(
        Rule("networking.k8s.io", "ingresses", ("get",)),
        Rule("networking.k8s.io", "ingressclasses", ("get",)),
        Rule("", "services", ("get",)),
    ),
    writes=(Rule("networking.k8s.io", "ingresses", ("patch",)),),
    prepare=prepare,
)
