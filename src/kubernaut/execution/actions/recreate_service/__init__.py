"""Makes a Service that was deleted again, from the configuration that was last applied."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import JsonObject, ObjectRef, Tree
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.lastapplied import parsed
from kubernaut.execution.selection import pods_selected
from kubernaut.execution.targets import creation

# What the API server gives out anew; an address that was another Service's must not be asked for.
_GIVEN: Final = frozenset({"clusterIP", "clusterIPs", "healthCheckNodePort", "ipFamilies", "ipFamilyPolicy"})


class ServiceParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Where it comes from."""

    configuration: Annotated[
        str, Meta(max_length=16384, description="the Service as it was last applied, as JSON; nothing is made up")
    ] = ""


async def prepare(on: Situation[ServiceParameters]) -> Prepared | Refused:
    """The Service, where none of that name exists and its selector finds ready pods."""
    if await on.reader.get(on.target) is not None:
        return Refused("no_effect", f"{on.target} exists")
    if not on.parameters.configuration:
        text = f"a deleted Service takes its configuration with it, and none was given for {on.target}"
        return Refused("unsupported", text)
    applied = parsed(on.parameters.configuration, "Service", on.target.name)
    if applied is None or applied.text("metadata", "namespace") not in {"", on.target.namespace}:
        return Refused("wrong_configuration", f"the configuration is not one of {on.target}")
    selector = applied.mapping("spec", "selector")
    if not selector or applied.text("spec", "type") not in {"", "ClusterIP", "NodePort", "LoadBalancer"}:
        return Refused("unsupported", f"{on.target} selects no pods, so nothing here can tell whether it is right")
    pods = [pod for pod in await pods_selected(on.reader, on.target.namespace, selector) if is_ready(pod)]
    if not pods:
        return Refused("no_pods", f"no ready pod is selected by the configuration of {on.target}")
    made = creation(on.target, _body(applied, on.target), on.now, f"recreate-{on.target.name[:40]}")
    return Prepared(None, made, f"1 Service in front of {len(pods)} ready pods, under a new address")


def _body(applied: Tree, target: ObjectRef) -> JsonObject:
    headless = applied.text("spec", "clusterIP") == "None"
    spec: JsonObject = {key: value for key, value in applied.tree("spec").raw.items() if key not in _GIVEN}
    if headless:
        spec["clusterIP"] = "None"
    labels: JsonObject = dict(applied.mapping("metadata", "labels"))
    annotations: JsonObject = dict(applied.mapping("metadata", "annotations"))
    metadata: JsonObject = {"name": target.name, "labels": labels, "annotations": annotations}
    return {"metadata": metadata, "spec": spec}


ACTION = Action[ServiceParameters](
    id=ActionId("recreate_service"),
    summary="makes a deleted Service again, from the configuration that was last applied",
    targets=("Service",),
    parameters=ServiceParameters,
    when="workloads call a Service that was deleted, and its last configuration is at hand",
    never="without a configuration: ports and selectors are never guessed",
    before="no such Service; the configuration is of that name; its selector finds ready pods",
    risk=Risk.MEDIUM,
    undo="the Service is deleted again, as long as nobody changed it",
    reads=(Rule("", "services", ("get",)), Rule("", "pods", ("list",))),
    writes=(Rule("", "services", ("create", "delete")),),
    prepare=prepare,
)
