"""Which broken Service a failing workload depends on, by its configuration and its log."""

from __future__ import annotations

import re

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.addresses import IS_HOST, addresses
from kubernaut.investigation.condition import works
from kubernaut.investigation.hearsay import said_by
from kubernaut.investigation.subjects import Service, Workload

_WORDS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_ADDRESS = re.compile(
    r"(?://|@)([a-z0-9][a-z0-9.-]*)|\b([a-z0-9][a-z0-9.-]*):\d{2,5}\b|\b([a-z0-9-]+\.[a-z0-9-]+\.svc[a-z.]*)"
)
_LONGEST = 20_000


def broken_dependencies(workload: Workload) -> list[KubeObject]:
    """The Services that reach no ready pod and whose name the workload uses as a host, also in other namespaces.

    One that a decisive log line names comes before one that only the configuration names.
    """
    scene, home = workload.scene, workload.object.namespace
    logged, configured = _hosts(_log_text(workload), home), _hosts(_configured_text(workload), home)
    found = []
    for place, name in sorted(logged | configured):
        item = scene.get("Service", place, name)
        service = Service(scene, item) if item else None
        if item is None or service is None or works(service):
            continue
        if service.is_selector_read and not service.is_routed_by_labels:
            continue
        if place != home or not _is_own(workload, service):
            found.append(item)
    return sorted(found, key=lambda item: ((item.namespace, item.name) not in logged, item.namespace, item.name))


def _is_own(workload: Workload, service: Service) -> bool:
    """Whether it leads to the workload itself: by its labels, or its name where they are not shown."""
    if service.selector:
        return service.selector.items() <= workload.template.mapping("metadata", "labels").items()
    return workload.ref in {item.ref for item in service.workloads}


def called(workload: Workload) -> list[Workload]:
    """The workloads behind the Services that its variables and arguments name."""
    scene, home = workload.scene, workload.object.namespace
    items = [scene.get("Service", *place) for place in sorted(_hosts(_configured_text(workload), home))]
    services = [Service(scene, item) for item in items if item is not None]
    found = {item.ref: item for service in services for item in service.workloads}
    return [Workload(scene, item) for item in found.values() if item.ref != workload.ref]


def _hosts(text: str, namespace: str) -> set[tuple[str, str]]:
    """Namespace and name of what could be a Service's host: `ledger`, `ledger.pay`, `ledger.pay.svc.cluster.local`.

    A namespace other than the workload's own counts only with `.svc`: `main.py` is no Service.
    """
    hosts = set()
    for word in _WORDS.findall(text[:_LONGEST]):
        name, *rest = word.split(".")
        if not rest or rest[0] == namespace:
            hosts.add((namespace, name))
        elif rest[1:2] == ["svc"]:
            hosts.add((rest[0], name))
    return hosts


def _log_text(workload: Workload) -> str:
    lines = [line.text[:1000] for entry in workload.containers for line in workload.scene.log_of(entry.pod, entry.name)]
    lines += [line.text[:1000] for line in said_by(workload.scene, workload.object)]
    return "\n".join(lines)


def _configured_text(workload: Workload) -> str:
    """The addresses in variables, ConfigMaps and arguments: `http://ledger/`, and a bare name in `LEDGER_HOST`."""
    found: list[str] = []
    spec = workload.template.tree("spec")
    for container in (*spec.trees("initContainers"), *spec.trees("containers")):
        variables = container.trees("env")
        found += [entry.text("value") for entry in variables if IS_HOST.search(entry.text("name"))]
        values = [entry.text("value") for entry in variables]
        for text in (*values, *container.texts("args"), *container.texts("command")):
            found += [part for match in _ADDRESS.finditer(text[:1000]) for part in match.groups() if part]
    found += [address.host for address in addresses(workload)]
    return "\n".join(text[:1000] for text in found)
