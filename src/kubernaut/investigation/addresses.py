"""The hosts and ports that a workload is configured to call, and whether Services of its namespace answer to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation.subjects import Workload

_ADDRESS = re.compile(
    r"(?:://(?:[^@/\s]*@)?|^|[,\s])([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*)(?::(\d{2,5}))?(?=[/,\s?]|$)"
)
# What variables are called that say where something is.
IS_HOST = re.compile(r"(?i)host|addr|url|uri|server|endpoint|upstream|broker|service|backend|proxy|dsn")
_OTHER_PLACES = frozenset({"localhost", "true", "false", "none", "null"})
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Address:
    """A host, and perhaps a port, with the variable that names it and where that is written."""

    variable: str
    host: str
    port: str
    container: str
    source: str

    @property
    def path(self) -> str:
        """Where the template names it."""
        return f"containers[{self.container}].env[{self.variable}]"

    @property
    def service(self) -> str:
        """The Service that the host would be."""
        return self.host.partition(".")[0]

    def is_of(self, namespace: str) -> bool:
        """Whether the host is a name of that namespace: `ledger`, `ledger.pay`, `ledger.pay.svc.cluster.local`."""
        parts = self.host.split(".")
        if len(parts) == 1:
            return True
        return parts[1] == namespace and (len(parts) == 2 or parts[2] == "svc")  # noqa: PLR2004  # name and namespace

    def __str__(self) -> str:
        """`ledger:8080`."""
        return f"{self.host}:{self.port}" if self.port else self.host


def addresses(workload: Workload, template: Tree | None = None) -> list[Address]:
    """The addresses in variables, also in those that come out of ConfigMaps."""
    found: dict[Address, None] = {}
    spec = (template or workload.template).tree("spec")
    for container in (*spec.trees("initContainers"), *spec.trees("containers")):
        for variable, value, source in _variables(workload, container):
            for host, port in _hosts(value):
                if IS_HOST.search(variable) or port:
                    found[Address(variable, host, port, container.text("name"), source)] = None
    return list(found)


def _hosts(value: str) -> Iterator[tuple[str, str]]:
    for match in _ADDRESS.finditer(value[:_LONGEST]):
        host, port = match.group(1), match.group(2) or ""
        if host not in _OTHER_PLACES and not host.replace(".", "").isdecimal():
            yield host, port


def _variables(workload: Workload, container: Tree) -> Iterator[tuple[str, str, str]]:
    scene, place = workload.scene, workload.object.namespace
    for entry in container.trees("envFrom"):
        name = entry.text("configMapRef", "name")
        item = scene.get("ConfigMap", place, name) if name else None
        for key, value in (item.mapping("data") if item else {}).items():
            yield entry.text("prefix") + key, value, f"ConfigMap {name}"
    for variable in container.trees("env"):
        reference = variable.tree("valueFrom", "configMapKeyRef")
        if not reference.raw:
            yield variable.text("name"), variable.text("value"), ""
            continue
        item = scene.get("ConfigMap", place, reference.text("name"))
        if item is not None:
            value = item.mapping("data").get(reference.text("key"), "")
            yield variable.text("name"), value, f"ConfigMap {item.name}"


def service_of(workload: Workload, address: Address) -> KubeObject | None:
    """The Service that the address names."""
    return workload.scene.get("Service", workload.object.namespace, address.service)


def offers(service: KubeObject, port: str) -> bool:
    """Whether the Service has that port. A headless one hands out pods, on whatever port they listen."""
    if service.text("spec", "clusterIP") == "None" or service.text("spec", "type") == "ExternalName":
        return True
    return any(str(entry.integer("port")) == port for entry in service.trees("spec", "ports"))
