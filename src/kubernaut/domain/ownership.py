"""Who keeps an object's spec from outside the cluster, and would put back what is changed by hand."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject

_MARKS = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm release",
}
_MANAGED_BY = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class Keeper:
    """The tool, what it calls the object's origin (a release, an application), and the mark that tells of it."""

    tool: str
    name: str
    mark: str

    def __str__(self) -> str:
        """`Helm release checkout`."""
        return f"{self.tool} {self.name}".strip()


def keeper_of(item: KubeObject) -> Keeper | None:
    """The tool that the object's labels and annotations name, a GitOps tool before the Helm release it installs."""
    marks = {**item.labels, **item.annotations}
    found = next((key for key in _MARKS if key in marks), None)
    if found is not None:
        return Keeper(_MARKS[found], marks[found], found)
    return Keeper("Helm", "", _MANAGED_BY) if item.labels.get(_MANAGED_BY) == "Helm" else None


def without_keeper(item: KubeObject) -> KubeObject:
    """The object as it would be if no tool kept it."""
    metadata = item.raw.get("metadata")
    if not isinstance(metadata, dict):
        return item
    bare = dict(metadata)
    for part in ("labels", "annotations"):
        marks = bare.get(part)
        if isinstance(marks, dict):
            bare[part] = {key: value for key, value in marks.items() if key not in _MARKS and key != _MANAGED_BY}
    return KubeObject({**item.raw, "metadata": bare})
