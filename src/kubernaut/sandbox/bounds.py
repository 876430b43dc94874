"""LimitRange and Pod Security: what the API server refuses of a pod by the rules of its namespace."""

from __future__ import annotations

from collections.abc import Iterator

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.quantities import amount
from kubernaut.sandbox.failures import forbidden
from kubernaut.sandbox.kinds import BY_NAME, NAMESPACE, POD
from kubernaut.sandbox.storage import Storage

_LIMIT_RANGE = BY_NAME["v1", "LimitRange"]
_LEVEL = "pod-security.kubernetes.io/enforce"


def check_bounds(storage: Storage, pod: KubeObject) -> None:
    """Raises the failure of the first plug-in that refuses the pod."""
    found = list(_outside(storage, pod))
    if found:
        raise forbidden(POD, pod.name, ", ".join(found) if len(found) == 1 else f"[{', '.join(found)}]")
    namespace = storage.get(NAMESPACE, "", pod.namespace)
    level = namespace.view.labels.get(_LEVEL, "") if namespace else ""
    broken = list(_violations(pod, level))
    if broken:
        raise forbidden(POD, pod.name, f'violates PodSecurity "{level}:latest": {", ".join(broken)}')


def _outside(storage: Storage, pod: KubeObject) -> Iterator[str]:
    """The bounds of the namespace's LimitRanges that a container breaks."""
    for item in storage.views(_LIMIT_RANGE, pod.namespace):
        for limit in item.trees("spec", "limits"):
            if limit.text("type") == "Container":
                for container in [*pod.trees("spec", "containers"), *pod.trees("spec", "initContainers")]:
                    yield from _broken(limit, container)


def _broken(limit: Tree, container: Tree) -> Iterator[str]:
    for name in ("cpu", "memory"):
        most, has = limit.at("max", name), container.at("resources", "limits", name)
        if most is not None and has is not None and amount(has) > amount(most):
            yield f"maximum {name} usage per Container is {most}, but limit is {has}"
        if most is not None and has is None:
            yield f"maximum {name} usage per Container is {most}.  No limit is specified"
        least, asked = limit.at("min", name), container.at("resources", "requests", name)
        if least is not None and asked is not None and amount(asked) < amount(least):
            yield f"minimum {name} usage per Container is {least}, but request is {asked}"


def _violations(pod: KubeObject, level: str) -> Iterator[str]:
    if level not in ("baseline", "restricted"):
        return
    for container in [*pod.trees("spec", "initContainers"), *pod.trees("spec", "containers")]:
        name = container.text("name")
        if container.flag("securityContext", "privileged"):
            yield f'privileged (container "{name}" must not set securityContext.privileged=true)'
        if level == "restricted" and container.at("securityContext", "allowPrivilegeEscalation") is not False:
            yield (
                f'allowPrivilegeEscalation != false (container "{name}" must set '
                "securityContext.allowPrivilegeEscalation=false)"
            )
