"""Workflows: Jobs that somebody declared beforehand as a suspended CronJob, and what such a declaration must hold.

The declaration is a CronJob because the API server checks it, RBAC guards it and `kubectl create job --from` runs it by
hand. Its annotation `kubernaut.ai/workflow` says that it may be started; `kubernaut.ai/inputs` declares its inputs, as
JSON: a list of allowed words, or the bounds of a whole number.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree, copied
from kubernaut.execution.jobs import KEPT_S, without_identity

WORKFLOW: Final = "kubernaut.ai/workflow"
INPUTS: Final = "kubernaut.ai/inputs"
_LONGEST_RUN_S: Final = 3600
_PINNED: Final = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_HOST: Final = ("hostNetwork", "hostPID", "hostIPC")


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole number from `min` to `max`."""

    min: int
    max: int


def unsafe(declared: KubeObject) -> Refused | None:
    """Why the declaration must not be run."""
    spec = declared.tree("spec", "jobTemplate", "spec")
    pod = spec.tree("template", "spec")
    reason = _undeclared(declared, spec) or _loose_pod(pod)
    for container in [*pod.trees("initContainers"), *pod.trees("containers")]:
        reason = reason or _loose_container(container, pod)
    return Refused("unsafe_workflow", f"{declared.ref} {reason}") if reason else None


def _undeclared(declared: KubeObject, spec: Tree) -> str:
    if WORKFLOW not in declared.annotations:
        return f"is not annotated {WORKFLOW}"
    if not declared.flag("spec", "suspend"):
        return "is not suspended: it runs by its own clock"
    if not 0 < spec.integer("activeDeadlineSeconds") <= _LONGEST_RUN_S:
        return f"has no activeDeadlineSeconds of at most {_LONGEST_RUN_S}"
    return ""


def _loose_pod(pod: Tree) -> str:
    if pod.text("serviceAccountName") in {"", "default"}:
        return "has no service account of its own"
    if any(pod.flag(key) for key in _HOST) or any(volume.has("hostPath") for volume in pod.trees("volumes")):
        return "reaches into its node"
    return ""


def _loose_container(container: Tree, pod: Tree) -> str:
    name, security = container.text("name"), container.tree("securityContext")
    if not _PINNED.fullmatch(container.text("image")):
        return f"runs container {name} from an image that is not pinned by digest"
    if security.flag("privileged") or security.flag("allowPrivilegeEscalation"):
        return f"runs container {name} with more rights than its own"
    non_root = security.at("runAsNonRoot")
    if non_root is False or (non_root is None and not pod.flag("securityContext", "runAsNonRoot")):
        return f"may run container {name} as root"
    return ""


def read_inputs(declared: KubeObject, text: str) -> dict[str, str] | Refused:
    """The inputs by name, each one as declared, and all that are declared."""
    try:
        allowed = msgspec.json.decode(declared.annotations.get(INPUTS, "{}"), type=dict[str, list[str] | Bounds])
    except (msgspec.DecodeError, RecursionError) as error:
        return Refused("unsafe_workflow", f"{declared.ref}: {INPUTS} cannot be read: {error}")
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    given = {name: value for name, _, value in pairs}
    if len(given) != len(pairs) or given.keys() != allowed.keys() or not all(_NAME.fullmatch(name) for name in allowed):
        return Refused("wrong_inputs", f"{declared.ref} takes {', '.join(allowed) or 'no inputs'}, each once")
    wrong = next((name for name, value in given.items() if not _fits(value, allowed[name])), None)
    return Refused("wrong_inputs", f"{wrong} is not what {declared.ref} allows") if wrong else given


def _fits(value: str, allowed: list[str] | Bounds) -> bool:
    if isinstance(allowed, list):
        return value in allowed
    return bool(re.fullmatch(r"-?[0-9]{1,9}", value)) and allowed.min <= int(value) <= allowed.max


def job_body(declared: KubeObject, inputs: dict[str, str]) -> JsonObject:
    """The Job that the declaration describes, with the inputs as variables `INPUT_NAME` of every container."""
    spec = without_identity(declared.tree("spec", "jobTemplate", "spec"))
    spec["ttlSecondsAfterFinished"] = KEPT_S
    template = copied(spec.get("template"))
    pod = template.get("spec") if isinstance(template, dict) else None
    added: list[Json] = [{"name": f"INPUT_{name.upper()}", "value": value} for name, value in sorted(inputs.items())]
    for part in ("initContainers", "containers"):
        containers = pod.get(part) if isinstance(pod, dict) else None
        for container in containers if isinstance(containers, list) else ():
            if isinstance(container, dict) and added:
                present = container.get("env")
                container["env"] = [*(present if isinstance(present, list) else []), *added]
    spec["template"] = template
    labels: JsonObject = dict(declared.mapping("spec", "jobTemplate", "metadata", "labels"))
    return {"metadata": {"labels": labels, "annotations": {WORKFLOW: declared.name}}, "spec": spec}
