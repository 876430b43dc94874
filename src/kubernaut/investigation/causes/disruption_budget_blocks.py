"""A disruption budget lets no pod go, so nodes cannot be drained."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.things import BUDGET, Thing


def examine(thing: Thing) -> Finding | None:
    """The finding for a budget that would let nothing go even with every pod healthy."""
    item = thing.object
    if item.kind != BUDGET or item.integer("status", "disruptionsAllowed") > 0:
        return None
    expected, healthy = item.integer("status", "expectedPods"), item.integer("status", "currentHealthy")
    needed = item.integer("status", "desiredHealthy")
    if item.ref in thing.scene.partial and item.has("status", "disruptionsAllowed") and not expected:
        return _told(item)
    if not expected or healthy < expected or needed < expected:
        return None
    text = f"{needed} of {expected} pods have to be healthy, so none may be evicted"
    return Finding(
        target=item.ref,
        summary=f"PodDisruptionBudget {item.name} blocks every eviction: {text}.",
        verdict=Verdict.ESCALATE,
        supporting=(
            facts.field(item, "status", f"{text}; {healthy} are"),
            facts.field(item, "spec", _rule(item)),
        ),
        remedies=(escalate(item.ref),),
    )


def _told(item: KubeObject) -> Finding:
    """What a row of a table tells: not whether the pods it keeps are well."""
    fact = facts.field(item, "status.disruptionsAllowed", f"it allows no disruption now ({_rule(item)})")
    return Finding(
        target=item.ref,
        summary=f"PodDisruptionBudget {item.name}: {fact.text}. Whether its pods are well is not shown.",
        verdict=Verdict.ESCALATE,
        supporting=(fact,),
        remedies=(escalate(item.ref),),
    )


def _rule(item: KubeObject) -> str:
    for name in ("minAvailable", "maxUnavailable"):
        if item.has("spec", name):
            return f"{name}: {item.at('spec', name)}"
    return "neither minAvailable nor maxUnavailable"


CAUSE = Cause(
    id=CauseId("disruption_budget_blocks"),
    title="A disruption budget lets no pod go",
    faults=(72,),
    needs=(BUDGET,),
    look_alikes={
        "crash_after_change": "the budget is fine, and its pods are not healthy: mend those",
        "node_not_ready": "pods are missing because their node is down",
    },
    know="With one replica, minAvailable 1 blocks every drain: the owner has to choose between two replicas and a gap.",
    by_hand=(
        "kubectl -n {namespace} describe poddisruptionbudget {name}",
        "kubectl -n {namespace} get pods -o wide",
    ),
    thing=examine,
)
