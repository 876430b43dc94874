"""Claims, volumes and storage classes around a pod."""

from __future__ import annotations

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.naming import Named, named
from kubernaut.investigation.scene import Scene

_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def claims_of(scene: Scene, pod: KubeObject) -> list[Named]:
    """The claims that the pod mounts, those that are made for it alone included."""
    return [
        named(scene, "PersistentVolumeClaim", pod.namespace, name, path) for name, path in _claim_names(pod).items()
    ]


def _claim_names(pod: KubeObject) -> dict[str, str]:
    """The names of its claims, each with the path at which it stands."""
    found = {}
    for volume in pod.trees("spec", "volumes"):
        name = volume.text("persistentVolumeClaim", "claimName")
        if not name and volume.has("ephemeral", "volumeClaimTemplate"):
            name = f"{pod.name}-{volume.text('name')}"
        if name:
            found[name] = f"spec.volumes[{volume.text('name')}]"
    return found


def volume_of(scene: Scene, claim: KubeObject) -> Named | None:
    """The volume that the claim is bound to, or asks for by name; None where it names none yet."""
    name = claim.text("spec", "volumeName")
    return named(scene, "PersistentVolume", "", name, "spec.volumeName") if name else None


def class_of(scene: Scene, claim: KubeObject) -> Named | None:
    """The storage class of the claim, the default one where it names none; None where it asks for no class."""
    name = claim.at("spec", "storageClassName")
    if isinstance(name, str):
        return named(scene, "StorageClass", "", name, "spec.storageClassName") if name else None
    default = next((item for item in scene.all("StorageClass") if is_default_class(item)), None)
    return Named("StorageClass", default.name, "the default class", default, False) if default else None  # noqa: FBT003


def is_default_class(item: KubeObject) -> bool:
    """Whether claims without a class get this one."""
    return any(item.annotations.get(mark) == "true" for mark in _DEFAULT)


def volumes_claimed_by(scene: Scene, claim: KubeObject) -> list[KubeObject]:
    """The volumes whose claimRef names the claim, an older one of the same name included."""
    wanted = (claim.namespace, claim.name)
    found = scene.all("PersistentVolume")
    return [item for item in found if _claimant(item) == wanted]


def _claimant(volume: KubeObject) -> tuple[str, str]:
    return volume.text("spec", "claimRef", "namespace"), volume.text("spec", "claimRef", "name")


def users_of(scene: Scene, claim: KubeObject) -> list[KubeObject]:
    """The pods of the namespace that mount the claim."""
    return [pod for pod in scene.all("Pod", claim.namespace) if claim.name in _claim_names(pod)]
