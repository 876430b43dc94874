"""The API server answers with errors, or waits for etcd."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.measures import CALLS_FAILED, ETCD_SLOW, Measure
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.things import Thing, is_platform

# The error budget of kubernetes-mixin's API server SLO is 1 %; that much at once uses it up within days.
_FAILED = 0.01
# etcd's own advice for its disks: the 99th percentile of a commit below 25 ms, of a request well below a second.
_SLOW_S = 1.0


def examine(thing: Thing) -> Finding | None:
    """The finding when its own series show failed requests or a slow etcd."""
    if not is_platform(thing):
        return None
    told = [
        *_above(thing, CALLS_FAILED, _FAILED, "{:.1%} of the requests fail with 5xx"),
        *_above(thing, ETCD_SLOW, _SLOW_S, "etcd takes {:.1f} s for one request in a hundred"),
    ]
    if not told:
        return None
    return Finding(
        target=thing.object.ref,
        summary=f"The control plane is degraded: {'; '.join(fact.text for fact in told)}.",
        verdict=Verdict.ESCALATE,
        supporting=tuple(told),
        remedies=(escalate(thing.object.ref),),
    )


def _above(thing: Thing, measure: Measure, threshold: float, words: str) -> list[Fact]:
    asked = measure.of()
    worst = max((series.value for series in thing.scene.measured(asked)), default=0.0)
    return [facts.measured(thing.object, asked, words.format(worst))] if worst > threshold else []


CAUSE = Cause(
    id=CauseId("control_plane_degraded"),
    title="The control plane is degraded",
    faults=(113,),
    needs=("Namespace",),
    look_alikes={
        "api_overloaded": "requests are turned away by priority and fairness (429), and etcd answers quickly",
        "controllers_silent": "the API answers, and nobody takes up changes",
    },
    know="Without the API server nothing can be seen or changed: its runbook comes before everything else.",
    by_hand=("kubectl get --raw '/readyz?verbose'", "kubectl -n kube-system get pods -o wide"),
    thing=examine,
)
