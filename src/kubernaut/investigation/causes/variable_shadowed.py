"""A variable is set twice in one container, and the later value wins."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.domain.objects import Tree
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.crashes import crash_in, crashed
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_container
from kubernaut.investigation.quoting import names_a_secret, quoted
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when a crashing container has one variable with two different values."""
    for container in crashed(workload):
        twice = _twice(container.spec)
        if twice is None:
            continue
        name, first, last = twice
        values = "" if names_a_secret(name) else f": {quoted(first, 40)}, then {quoted(last, 40)}, which wins"
        text = f"variable {name} is set twice{values}"
        path = f"spec.containers[{container.name}].env[{name}]"
        story = Story(
            words=f"{container.label} fails, and {text}",
            otherwise="Both values are as old as the template that worked: it is probably not the cause.",
            proofs=(facts.field(container.pod, path, text),),
            relevant=of_container(container.name, "env", name),
        )
        return told(workload, crash_in(workload, container), story)
    return None


def _twice(spec: Tree) -> tuple[str, str, str] | None:
    seen: dict[str, str] = {}
    for variable in spec.trees("env"):
        name, value = variable.text("name"), variable.text("value")
        if name in seen and seen[name] != value:
            return name, seen[name], value
        seen[name] = value
    return None


CAUSE = Cause(
    id=CauseId("variable_shadowed"),
    title="A variable is set twice, and the later value wins",
    faults=(46,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={"crash_after_change": "every variable has one value, and another one changed"},
    know="The API server only warns of it; two tools that each patch the list by position leave both entries.",
    by_hand=(
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec.containers[*].env}}'",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("crash_after_change", "init_container_fails"),
    workload=examine,
)
