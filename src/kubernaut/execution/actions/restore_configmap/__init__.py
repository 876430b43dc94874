"""Gives a ConfigMap the content that was last applied to it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.changes import ObjectPatch
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_applied
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, removing, setting
from kubernaut.execution.preconditions import gone
from kubernaut.execution.targets import find


class KeyParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which key."""

    key: Annotated[str, Meta(max_length=253, description="one key; empty for all of them")] = ""


async def prepare(on: Situation[KeyParameters]) -> Prepared | Refused:
    """The content that `kubectl apply` recorded. Of a ConfigMap that is gone no content is recorded anywhere."""
    item = await find(on, _fixed)
    if isinstance(item, Refused):
        if item == gone(on.target):
            text = f"{on.target} does not exist, and its content is recorded nowhere in the cluster"
            return Refused("unsupported", text)
        return item
    applied = last_applied(item)
    if applied is None:
        text = f"{item.ref} was not made by `kubectl apply`, so what it held before is recorded nowhere"
        return Refused("unsupported", text)
    then, now = applied.mapping("data"), item.mapping("data")
    keys = [on.parameters.key] if on.parameters.key else sorted({*then, *now})
    differing = [key for key in keys if then.get(key) != now.get(key)]
    if not differing:
        return Refused("no_effect", f"{item.ref} holds what was last applied")
    if on.parameters.key and on.parameters.key not in then:
        return Refused("key_missing", f"what was last applied to {item.ref} has no key {on.parameters.key}")
    reach = f"{len(differing)} of {len({*then, *now})} keys; pods read them when they restart"
    return Prepared(item, _putting_back(item, then, differing), reach)


def _putting_back(item: KubeObject, then: dict[str, str], differing: list[str]) -> ObjectPatch:
    if not item.has("data"):
        return edit(item, setting(item, dict(then), "data"))
    # A key each, so that keys which somebody else adds meanwhile stay.
    steps = [setting(item, then[key], "data", key) if key in then else removing("data", key) for key in differing]
    return edit(item, *steps)


def _fixed(item: KubeObject) -> Refused | None:
    return Refused("immutable", f"{item.ref} is immutable") if item.flag("immutable") else None


ACTION = Action[KeyParameters](
    id=ActionId("restore_configmap"),
    summary="gives a ConfigMap, or one key of it, the content that was last applied to it",
    targets=("ConfigMap",),
    parameters=KeyParameters,
    when="a ConfigMap was changed by hand, and what fails since needs its former content",
    never="to make content up: where no former content is recorded it refuses",
    before="same uid; recorded by `kubectl apply`; it differs; not immutable; owner free",
    risk=Risk.MEDIUM,
    undo="content back to the snapshot",
    reads=(Rule("", "configmaps", ("get",)),),
    writes=(Rule("", "configmaps", ("patch",)),),
    prepare=prepare,
)
