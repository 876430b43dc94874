"""A Service also sends to pods of a workload that was not meant."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.provenance import last_applied
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.routing import edited
from kubernaut.investigation.subjects import Service


def examine(service: Service) -> Finding | None:
    """The finding when the selector is wider than the applied one and reaches several workloads by that.

    Several workloads behind one Service alone are no fault: that is how canaries are served.
    """
    applied = last_applied(service.object)
    wanted = applied.mapping("spec", "selector") if applied else {}
    if not wanted or wanted == service.selector or not service.selected:
        return None
    scene, place = service.scene, service.object.namespace
    meant = {scene.top_of(pod).ref for pod in scene.selected(place, wanted)}
    foreign = [pod for pod in service.selected if scene.top_of(pod).ref not in meant]
    if not meant or not foreign:
        return None
    names = sorted({scene.top_of(pod).name for pod in foreign})
    item = service.object
    # Somebody may have widened it on purpose, so the way back is asked for.
    serving = any(is_ready(pod) for pod in scene.selected(place, wanted))
    mended = (call("restore_service", item.ref, part="selector"),) if serving else ()
    return Finding(
        target=item.ref,
        summary=(
            f"Service {item.name} also sends to {', '.join(names)}: {len(foreign)} of its {len(service.selected)} pods "
            "are not those that it was applied for."
        ),
        verdict=Verdict.APPROVE if mended else Verdict.ESCALATE,
        supporting=(
            facts.field(item, "metadata.annotations[last-applied]", f"applied with selector {_written(wanted)}"),
            facts.field(item, "spec.selector", f"selector {_written(service.selector)}"),
            _reached(foreign[0].name, names, service),
            *edited(service, "spec", "selector"),
        ),
        remedies=(*mended, escalate(item.ref)),
    )


def _reached(pod: str, names: list[str], service: Service) -> Fact:
    item = next(entry for entry in service.selected if entry.name == pod)
    return facts.field(item, "metadata.labels", f"pods of {', '.join(names)} carry these labels, too")


def _written(selector: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


CAUSE = Cause(
    id=CauseId("service_selects_foreign_pods"),
    title="A Service also sends to pods that were not meant",
    faults=(80,),
    needs=("Service", "Pod"),
    look_alikes={"service_selector_wrong": "the selector reaches no ready pod at all"},
    know="One request in a few fails or is answered by the wrong application: that share is the foreign pods' share.",
    by_hand=(
        "kubectl -n {namespace} get service {name} -o jsonpath='{{.spec.selector}}'",
        "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}",
    ),
    narrows=("service_port_wrong",),
    service=examine,
)
