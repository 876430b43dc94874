"""The API server turns requests away, because somebody sends too many."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.measures import CALLS_REJECTED
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.things import Thing, is_platform

# One rejected request a second is a client in trouble; less is a passing peak.
_REJECTED = 1.0


def examine(thing: Thing) -> Finding | None:
    """The finding when priority and fairness rejects requests; the flow schema tells whose they are."""
    if not is_platform(thing):
        return None
    asked = CALLS_REJECTED.of()
    worst = max(thing.scene.measured(asked), key=lambda series: series.value, default=None)
    if worst is None or worst.value < _REJECTED:
        return None
    schema, level = (quoted(worst.labels.get(key, "?"), 80) for key in ("flow_schema", "priority_level"))
    text = f"{worst.value:.1f} requests/s of flow schema {schema} are rejected (priority level {level})"
    return Finding(
        target=thing.object.ref,
        summary=f"The API server turns requests away: {text}. Find the client and slow it down.",
        verdict=Verdict.ESCALATE,
        supporting=(facts.measured(thing.object, asked, text),),
        remedies=(escalate(thing.object.ref),),
        places={"object": schema},
    )


CAUSE = Cause(
    id=CauseId("api_overloaded"),
    title="The API server turns requests away",
    faults=(17,),
    needs=("Namespace",),
    look_alikes={"control_plane_degraded": "requests fail with 5xx, or etcd is slow"},
    know="A flow schema of service accounts means a workload in the cluster; it is scaled down, not the limits raised.",
    by_hand=(
        "kubectl get flowschema {object} -o yaml",
        "kubectl get --raw /debug/api_priority_and_fairness/dump_requests",
    ),
    thing=examine,
)
