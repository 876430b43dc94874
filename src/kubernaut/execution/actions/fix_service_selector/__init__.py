"""Points a Service at the pods it served."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, selector_text, setting
from kubernaut.execution.preconditions import being_deleted, first, gone
from kubernaut.execution.selection import parse_selector, pods_selected


class SelectorParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which pods."""

    selector: Annotated[str, Meta(min_length=3, max_length=2000, description="labels as `k=v,k=v`")]


async def prepare(on: Situation[SelectorParameters]) -> Prepared | Refused:
    """The selector, where the present one finds no ready pod and the new one does."""
    service = await on.reader.get(on.target)
    if service is None:
        return gone(on.target)
    wanted = parse_selector(on.parameters.selector)
    present = service.mapping("spec", "selector")
    refusal = first(being_deleted(service), _kept_by_hand(service, present))
    if refusal:
        return refusal
    if wanted == present:
        return Refused("no_effect", f"{service.ref} selects {selector_text(wanted)} already")
    serving = [pod for pod in await pods_selected(on.reader, service.namespace, present) if is_ready(pod)]
    if serving:
        return Refused("still_serving", f"{service.ref} still has {len(serving)} ready pods")
    found = [pod for pod in await pods_selected(on.reader, service.namespace, wanted) if is_ready(pod)]
    if not found:
        return Refused("no_pods", f"no ready pod has the labels {selector_text(wanted)}")
    value: Json = dict(wanted)
    change = edit(service, setting(service, value, "spec", "selector"))
    return Prepared(service, change, f"0 ready pods become {len(found)}")


def _kept_by_hand(service: KubeObject, selector: dict[str, str]) -> Refused | None:
    if selector and service.text("spec", "type") != "ExternalName":
        return None
    return Refused("no_selector", f"{service.ref} has no selector: its endpoints are kept by somebody else")


ACTION = Action[SelectorParameters](
    id=ActionId("fix_service_selector"),
    summary="makes a Service select the pods it served",
    targets=("Service",),
    parameters=SelectorParameters,
    when="the selector finds no pod, and the last applied configuration or one workload's labels prove the right one",
    never="a Service that still has ready pods, or one without a selector",
    before="same uid; the present selector finds no ready pod, the new one does; owner free",
    risk=Risk.MEDIUM,
    undo="selector back to the snapshot",
    reads=(Rule("", "services", ("get",)), Rule("", "pods", ("list",))),
    writes=(Rule("", "services", ("patch",)),),
    prepare=prepare,
)
