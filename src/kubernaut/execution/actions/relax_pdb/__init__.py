"""Lets a disruption budget that blocks everything allow one disruption more."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.marks import MAY_RELAX
from kubernaut.execution.targets import find


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """One fewer to be available, or one more that may be away, where all pods are well and the owner agreed."""
    budget = await find(on, _undeclared, _not_blocking)
    if isinstance(budget, Refused):
        return budget
    field, step = ("minAvailable", -1) if budget.has("spec", "minAvailable") else ("maxUnavailable", 1)
    present = budget.at("spec", field)
    # A percentage is rounded against the number of pods, so what one step of it means changes with every scaling.
    if not isinstance(present, int) or isinstance(present, bool):
        return Refused("unsupported", f"{budget.ref} states {field} as {present}: only whole numbers are moved by one")
    wanted = present + step
    expected = budget.integer("status", "expectedPods")
    if wanted < 0 or (field == "maxUnavailable" and wanted >= expected) or expected <= 1:
        return Refused("would_protect_nothing", f"{budget.ref} would protect none of its {expected} pods")
    change = edit(budget, setting(budget, wanted, "spec", field))
    return Prepared(budget, change, f"1 of {expected} pods may be away")


def _undeclared(budget: KubeObject) -> Refused | None:
    if budget.annotations.get(MAY_RELAX) == "true":
        return None
    help_ = f"kubectl -n {budget.namespace} annotate poddisruptionbudget {budget.name} {MAY_RELAX}=true"
    return Refused("not_declared", f"the owner of {budget.ref} has not said that it may be relaxed", help_)


def _not_blocking(budget: KubeObject) -> Refused | None:
    status = budget.tree("status")
    if status.integer("observedGeneration") < budget.generation:
        return Refused("not_settled", f"{budget.ref} has not been counted since its last change")
    if status.integer("currentHealthy") < status.integer("expectedPods"):
        return Refused("pods_unhealthy", f"not all pods of {budget.ref} are well: the budget does what it is for")
    if status.integer("disruptionsAllowed") > 0:
        return Refused("not_blocking", f"{budget.ref} allows a disruption now")
    return None


ACTION = Action[NoParameters](
    id=ActionId("relax_pdb"),
    summary="lets a disruption budget that blocks everything allow one disruption more",
    targets=("PodDisruptionBudget",),
    parameters=NoParameters,
    when="all pods are well, the budget allows none to be away, and a drain or an upgrade waits for it",
    never="to silence its own alert while pods are ill, or without the owner's annotation",
    before=f"same uid; {MAY_RELAX}=true; all pods healthy; no disruption allowed; it still protects some",
    risk=Risk.HIGH,
    undo="the number back to the snapshot",
    approval=True,
    reads=(Rule("policy", "poddisruptionbudgets", ("get",)),),
    writes=(Rule("policy", "poddisruptionbudgets", ("patch",)),),
    prepare=prepare,
)
