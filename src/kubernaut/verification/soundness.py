"""Whether an object that runs no pods of its own does what it is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.quantities import amount
from kubernaut.ports import ClusterReader


@dataclass(frozen=True, slots=True)
class Soundness:
    """`settled` is False while it is on its way; `problem` is what is wrong where it is not well."""

    well: bool
    settled: bool = True
    problem: str = ""


Examination = Callable[[ClusterReader, KubeObject], Awaitable[Soundness]]


async def soundness_of(reader: ClusterReader, item: KubeObject) -> Soundness | None:
    """How the object is, None for a kind that this cannot judge."""
    examine = _EXAMINATIONS.get(item.kind)
    return await examine(reader, item) if examine else None


async def _present(reader: ClusterReader, item: KubeObject) -> Soundness:  # noqa: ARG001  # all examinations take both
    """What is there does what it is for; the alert has to say the rest."""
    return Soundness(not item.has("metadata", "deletionTimestamp"))


async def _job(reader: ClusterReader, job: KubeObject) -> Soundness:  # noqa: ARG001
    ended = {entry.text("type") for entry in job.conditions() if entry.text("status") == "True"}
    if "Failed" in ended:
        return Soundness(well=False, problem="the Job failed")
    return Soundness("Complete" in ended, settled="Complete" in ended)


async def _claim(reader: ClusterReader, claim: KubeObject) -> Soundness:  # noqa: ARG001
    has = amount(claim.at("status", "capacity", "storage"))
    wants = amount(claim.at("spec", "resources", "requests", "storage"))
    bound = claim.text("status", "phase") == "Bound"
    # Expansion takes minutes and is asynchronous: until the capacity has grown it is on its way, not failed.
    return Soundness(bound and has >= wants, settled=bound and has >= wants)


async def _autoscaler(reader: ClusterReader, item: KubeObject) -> Soundness:  # noqa: ARG001
    active, limited = item.condition("ScalingActive"), item.condition("ScalingLimited")
    if active is not None and active.text("status") == "False":
        return Soundness(well=False, problem=active.text("reason") or "it cannot scale")
    # ScalingLimited is true at the minimum as well (TooFewReplicas), which is no want of anything.
    at_most = limited is not None and limited.text("status") == "True" and limited.text("reason") == "TooManyReplicas"
    return Soundness(not at_most, problem="it is at its maximum again" if at_most else "")


async def _budget(reader: ClusterReader, budget: KubeObject) -> Soundness:  # noqa: ARG001
    # Until the controller has counted anew, the number of disruptions is that of the former budget.
    observed = budget.integer("status", "observedGeneration") >= budget.generation
    allowed = budget.integer("status", "disruptionsAllowed") > 0
    return Soundness(allowed, settled=observed, problem="" if allowed else "it allows no disruption")


async def _quota(reader: ClusterReader, quota: KubeObject) -> Soundness:  # noqa: ARG001
    hard, used = quota.tree("status", "hard"), quota.tree("status", "used")
    # A quota of 0 forbids on purpose and is not used up.
    full = [name for name in hard.raw if amount(used.at(name)) >= amount(hard.at(name)) > 0]
    settled = quota.at("spec", "hard") == quota.at("status", "hard")
    return Soundness(not full, settled=settled, problem=f"{', '.join(full)} is used up" if full else "")


async def _ingress(reader: ClusterReader, ingress: KubeObject) -> Soundness:
    for rule in ingress.trees("spec", "rules"):
        for path in rule.trees("http", "paths"):
            backend = path.tree("backend", "service")
            service = await reader.get(ObjectRef("v1", "Service", ingress.namespace, backend.text("name")))
            port = str(backend.at("port", "number") or backend.text("port", "name"))
            ports = service.trees("spec", "ports") if service else []
            if not any(port in {entry.text("name"), str(entry.integer("port"))} for entry in ports):
                name = backend.text("name")
                return Soundness(well=False, problem=f"there is no Service {name} with port {port}")
    return Soundness(well=True)


_EXAMINATIONS: Mapping[str, Examination] = MappingProxyType(
    {
        "Job": _job,
        "PersistentVolumeClaim": _claim,
        "HorizontalPodAutoscaler": _autoscaler,
        "PodDisruptionBudget": _budget,
        "ResourceQuota": _quota,
        "Ingress": _ingress,
    }
    | dict.fromkeys(
        ("CronJob", "ConfigMap", "Secret", "ServiceAccount", "NetworkPolicy", "Role", "RoleBinding"), _present
    )
)
