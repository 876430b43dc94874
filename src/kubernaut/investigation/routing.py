"""Whom a Service was meant to reach: what was applied before, and the pods that nearly fit."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_applied, last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_leaving, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.subjects import Service


@dataclass(frozen=True, slots=True)
class Proposal:
    """A selector that would reach ready pods, how that is known, and what speaks against it."""

    selector: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...]
    against: tuple[Fact, ...]
    is_proven: bool

    def __str__(self) -> str:
        """`app=shop,tier=web`."""
        return ",".join(f"{key}={value}" for key, value in self.selector)


def applied_selector(service: Service) -> Proposal | None:
    """The selector of the manifest that was applied last, where it differs and would reach ready pods."""
    applied = last_applied(service.object)
    wanted = applied.mapping("spec", "selector") if applied else {}
    if not wanted or wanted == service.selector:
        return None
    ready = [pod for pod in service.scene.selected(service.object.namespace, wanted) if is_ready(pod)]
    if not ready:
        return None
    selector = tuple(sorted(wanted.items()))
    text = f"applied with selector {_written(wanted)}, which {len(ready)} ready pods have"
    fact = facts.field(service.object, "metadata.annotations[last-applied]", text)
    return Proposal(selector, (fact,), (), is_proven=True)


def nearest_selectors(service: Service) -> list[Proposal]:
    """For each workload with ready pods: the selector that reaches it by changing or leaving out a single key."""
    scene, place = service.scene, service.object.namespace
    found: dict[tuple[tuple[str, str], ...], Proposal] = {}
    for pod in scene.all("Pod", place):
        wrong = [key for key, value in service.selector.items() if pod.labels.get(key) != value]
        if len(wrong) != 1 or not is_ready(pod) or is_leaving(pod):
            continue
        wanted = _without_the_difference(service, pod, wrong[0])
        selector = tuple(sorted(wanted.items()))
        if wanted and selector not in found and _reaches_one_workload(service, wanted):
            told = (_difference(service, pod, wrong[0]),)
            found[selector] = Proposal(selector, told, _others(service, pod), is_proven=False)
    return sorted(found.values(), key=lambda each: -_closeness(service, each))


def _without_the_difference(service: Service, pod: KubeObject, key: str) -> dict[str, str]:
    """The selector with the pod's own value of that label, or without it where the pod has none."""
    wanted = {name: value for name, value in service.selector.items() if name != key}
    return {**wanted, key: pod.labels[key]} if key in pod.labels else wanted


def _closeness(service: Service, proposal: Proposal) -> float:
    """How much the labels look like those that the Service asks for: a misspelt one looks very much so."""
    return sum(SequenceMatcher(None, service.selector.get(key, ""), value).ratio() for key, value in proposal.selector)


def _reaches_one_workload(service: Service, selector: dict[str, str]) -> bool:
    scene = service.scene
    tops = {scene.top_of(pod).ref for pod in scene.selected(service.object.namespace, selector)}
    return len(tops) == 1


def _difference(service: Service, pod: KubeObject, key: str) -> Fact:
    wanted = service.selector[key]
    has = f"{key}={pod.labels[key]}" if key in pod.labels else f"no label {key}"
    text = f"ready pods of {service.scene.top_of(pod).name} have {has}; the Service asks for {key}={wanted}"
    return facts.field(pod, "metadata.labels", text)


def _others(service: Service, pod: KubeObject) -> tuple[Fact, ...]:
    """The other Services that already reach these pods: this one may be meant for others, as with blue and green."""
    found = []
    for item in service.scene.all("Service", service.object.namespace):
        selector = item.mapping("spec", "selector")
        other = Service(service.scene, item)
        if not other.is_selector_read and service.scene.top_of(pod) in other.workloads:
            found.append(facts.field(item, "metadata.name", f"Service {item.name} bears their workload's name"))
        if item.name != service.object.name and selector and selector.items() <= pod.labels.items():
            found.append(facts.field(item, "spec.selector", f"Service {item.name} already reaches these pods"))
    return tuple(found[:2])


def edited(service: Service, *path: str) -> list[Fact]:
    """Who wrote that field, and when, where it was after the Service was made."""
    item = service.object
    author = last_writer(item, *path)
    if author is None or author.at is None or author.at == item.created_at:
        return []
    return [facts.change(item, "metadata.managedFields", f"{path[-1]} was written {author}", author.at)]


def _written(selector: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
