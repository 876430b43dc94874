"""Where a pod template refers to Secrets. Names and keys only: what is in a Secret is never looked at."""

from __future__ import annotations

from collections.abc import Iterator

from kubernaut.domain.objects import Tree

Path = tuple[str | int, ...]


def references_of(template: Tree) -> Iterator[tuple[Path, Tree, str]]:
    """The path in the template, the reference as it stands there, and the name of the Secret."""
    for part in ("initContainers", "containers"):
        for index, container in enumerate(template.trees("spec", part)):
            yield from _of_container(("spec", part, index), container)
    for index, volume in enumerate(template.trees("spec", "volumes")):
        if volume.has("secret"):
            found = volume.tree("secret")
            yield ("spec", "volumes", index, "secret"), found, found.text("secretName")
    for index, entry in enumerate(template.trees("spec", "imagePullSecrets")):
        yield ("spec", "imagePullSecrets", index), entry, entry.text("name")


def _of_container(path: Path, container: Tree) -> Iterator[tuple[Path, Tree, str]]:
    for index, variable in enumerate(container.trees("env")):
        if variable.has("valueFrom", "secretKeyRef"):
            found = variable.tree("valueFrom", "secretKeyRef")
            yield (*path, "env", index, "valueFrom", "secretKeyRef"), found, found.text("name")
    for index, source in enumerate(container.trees("envFrom")):
        if source.has("secretRef"):
            found = source.tree("secretRef")
            yield (*path, "envFrom", index, "secretRef"), found, found.text("name")
