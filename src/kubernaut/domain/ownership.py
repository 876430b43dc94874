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
    by = "app.kubernetes.io/managed-by"
    return Keeper("Helm", "", by) if item.labels.get(by) == "Helm" else None
