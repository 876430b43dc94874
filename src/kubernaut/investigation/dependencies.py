"""Which broken Service a failing workload depends on, by its configuration and its log."""

from __future__ import annotations

import re

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.condition import works
from kubernaut.investigation.hearsay import said_by
from kubernaut.investigation.subjects import Service, Workload

_WORDS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_ADDRESS = re.compile(
    r"(?://|@)([a-z0-9][a-z0-9.-]*)|\b([a-z0-9][a-z0-9.-]*):\d{2,5}\b|\b([a-z0-9-]+\.[a-z0-9-]+\.svc[a-z.]*)"
)
_IS_HOST = re.compile(r"(?i)host|addr|url|uri|server|endpoint|upstream|broker|service|backend|proxy|dsn")
_LONGEST = 20_000


def broken_dependencies(workload: Workload) -> list[KubeObject]:
    """The Services of the namespace that reach no ready pod and whose name the workload uses as a host.

    One that a decisive log line names comes before one that only the configuration names.
    """
    place = workload.object.namespace
    own = workload.template.mapping("metadata", "labels")
    logged, configured = _hosts(_log_text(workload), place), _hosts(_configured_text(workload), place)
    found = []
    for item in workload.scene.all("Service", place):
        if item.name not in logged | configured:
            continue
        service = Service(workload.scene, item)
        if works(service) or (service.is_selector_read and not service.is_routed_by_labels):
            continue
        behind = {one.ref for one in service.workloads}
        is_own = service.selector.items() <= own.items() if service.selector else workload.ref in behind
        if not is_own:
            found.append(item)
    return sorted(found, key=lambda item: (item.name not in logged, item.name))


def called(workload: Workload) -> list[Workload]:
    """The workloads behind the Services of the namespace that its variables and arguments name."""
    place, scene = workload.object.namespace, workload.scene
    names = _hosts(_configured_text(workload), place)
    services = [Service(scene, item) for item in scene.all("Service", place) if item.name in names]
    found = {item.ref: item for service in services for item in service.workloads}
    return [Workload(scene, item) for item in found.values() if item.ref != workload.ref]


def _hosts(text: str, namespace: str) -> set[str]:
    """The words of a text that could be a Service's host name: `ledger`, `ledger.pay.svc.cluster.local`."""
    hosts = set()
    for word in _WORDS.findall(text[:_LONGEST]):
        name, _, rest = word.partition(".")
        if not rest or rest.split(".")[0] == namespace:
            hosts.add(name)
    return hosts


def _log_text(workload: Workload) -> str:
    lines = [line.text[:1000] for entry in workload.containers for line in workload.scene.log_of(entry.pod, entry.name)]
    lines += [line.text[:1000] for line in said_by(workload.scene, workload.object)]
    return "\n".join(lines)


def _configured_text(workload: Workload) -> str:
    """The addresses in variables and arguments: `http://ledger/`, `ledger:8080`, and a bare name in `LEDGER_HOST`."""
    found: list[str] = []
    spec = workload.template.tree("spec")
    for container in (*spec.trees("initContainers"), *spec.trees("containers")):
        variables = container.trees("env")
        found += [entry.text("value") for entry in variables if _IS_HOST.search(entry.text("name"))]
        values = [entry.text("value") for entry in variables]
        for text in (*values, *container.texts("args"), *container.texts("command")):
            found += [part for match in _ADDRESS.finditer(text[:1000]) for part in match.groups() if part]
    return "\n".join(text[:1000] for text in found)
