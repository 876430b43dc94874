"""The ConfigMaps and Secrets that a pod cannot start without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubernaut.domain.objects import Tree

# The controller manager makes this one in every namespace by itself.
_ALWAYS_THERE = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A ConfigMap or Secret that a pod cannot start without; `key` is empty where any content will do."""

    kind: str
    name: str
    key: str
    path: str


def references(template: Tree) -> list[Reference]:
    """What the pod template needs; optional references are left out."""
    spec = template.tree("spec")
    found = []
    for part in ("initContainers", "containers"):
        for container in spec.trees(part):
            found += list(_of_environment(container, f"{part}[{container.text('name')}]"))
    for volume in spec.trees("volumes"):
        found += list(_of_volume(volume, f"volumes[{volume.text('name')}]"))
    return [entry for entry in found if entry.name and entry.name not in _ALWAYS_THERE]


def _of_environment(container: Tree, path: str) -> Iterator[Reference]:
    for variable in container.trees("env"):
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            source = variable.tree("valueFrom", field)
            if source.raw and not source.flag("optional"):
                where = f"{path}.env[{variable.text('name')}]"
                yield Reference(kind, source.text("name"), source.text("key"), where)
    for entry in container.trees("envFrom"):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            source = entry.tree(field)
            if source.raw and not source.flag("optional"):
                yield Reference(kind, source.text("name"), "", f"{path}.envFrom")


def _of_volume(volume: Tree, path: str) -> Iterator[Reference]:
    yield from _of_source(volume.tree("configMap"), "ConfigMap", "name", path)
    yield from _of_source(volume.tree("secret"), "Secret", "secretName", path)
    for source in volume.trees("projected", "sources"):
        yield from _of_source(source.tree("configMap"), "ConfigMap", "name", path)
        yield from _of_source(source.tree("secret"), "Secret", "name", path)


def _of_source(source: Tree, kind: str, name: str, path: str) -> Iterator[Reference]:
    if not source.raw or source.flag("optional"):
        return
    yield Reference(kind, source.text(name), "", path)
    for item in source.trees("items"):
        yield Reference(kind, source.text(name), item.text("key"), path)
