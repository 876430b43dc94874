"""Raises one number of a quota, up to the ceiling that its owner declared."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.quantities import parse_quantity
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.marks import CEILING
from kubernaut.execution.targets import find


class QuotaParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which number, and what it becomes."""

    resource: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9.-]{0,62}$", description="such as requests.cpu or pods")]
    hard: Annotated[str, Meta(pattern=r"^[0-9]{1,9}(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", description="the new number")]


async def prepare(on: Situation[QuotaParameters]) -> Prepared | Refused:
    """The higher number, within the ceiling."""
    quota = await find(on)
    if isinstance(quota, Refused):
        return quota
    name, wanted = on.parameters.resource, parse_quantity(on.parameters.hard)
    present = parse_quantity(quota.at("spec", "hard", name))
    if present is None or wanted is None:
        return Refused("not_limited", f"{quota.ref} does not limit {name}")
    if wanted <= present:
        return Refused("not_higher", f"{name} of {quota.ref} is {quota.text('spec', 'hard', name)}: it is only raised")
    mark = f"{CEILING}{name}"
    ceiling = parse_quantity(quota.annotations.get(mark))
    if ceiling is None:
        help_ = f"kubectl -n {quota.namespace} annotate resourcequota {quota.name} {mark}=…"
        return Refused("no_ceiling", f"the owner of {quota.ref} has declared no ceiling for {name}", help_)
    if wanted > ceiling:
        return Refused("over_ceiling", f"{on.parameters.hard} is more than the ceiling {quota.annotations[mark]}")
    change = edit(quota, setting(quota, on.parameters.hard, "spec", "hard", name))
    return Prepared(quota, change, f"all of namespace {quota.namespace}: {name} may be {on.parameters.hard}")


ACTION = Action[QuotaParameters](
    id=ActionId("adjust_quota"),
    summary="raises one number of a quota, up to the ceiling that its owner declared",
    targets=("ResourceQuota",),
    parameters=QuotaParameters,
    when="a quota is used up by what the namespace rightly runs, and its owner declared room to grow",
    never="beyond the declared ceiling, or downwards: a quota is a policy and no fault",
    before=f"same uid; the number is limited and would rise; an annotation {CEILING}<resource> allows it; owner free",
    risk=Risk.HIGH,
    undo="number back to the snapshot",
    approval=True,
    reads=(Rule("", "resourcequotas", ("get",)),),
    writes=(Rule("", "resourcequotas", ("patch",)),),
    prepare=prepare,
)
