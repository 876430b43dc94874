"""Makes a workload refer to the Secret, or the key of it, that it referred to in a good revision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, KubeObject, ObjectRef, Tree
from kubernaut.domain.patches import ABSENT, pointer, value_at
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import rolling_reach
from kubernaut.execution.revisions import READS, WRITES, paused, replaced_by_hand, template_of
from kubernaut.execution.secret_references import references_of
from kubernaut.execution.targets import WORKLOADS, find
from kubernaut.ports import ClusterReader


class ReferenceParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which reference, and the revision that it is taken from."""

    secret: Annotated[str, Meta(min_length=1, max_length=253, description="the Secret that is referred to now")]
    revision: Annotated[int, Meta(ge=1, description="a revision that was available, as in `kubectl rollout history`")]


async def prepare(on: Situation[ReferenceParameters]) -> Prepared | Refused:
    """Each reference to that Secret as the revision had it, where what it names exists. Values are never read."""
    workload = await find(on, paused, replaced_by_hand)
    if isinstance(workload, Refused):
        return workload
    template = await template_of(on.reader, workload, on.parameters.revision)
    if template is None:
        return Refused("revision_missing", f"{workload.ref} has no revision {on.parameters.revision} any more")
    changes = list(_differing(workload, template, on.parameters.secret))
    if not changes:
        return Refused("no_effect", f"revision {on.parameters.revision} refers to {on.parameters.secret} just so")
    for _, reference in changes:
        missing = await _missing(on.reader, workload.namespace, reference)
        if missing:
            return Refused("secret_missing", f"revision {on.parameters.revision} needs {missing}, which does not exist")
    operations = [setting(workload, dict(reference.raw), "spec", "template", *path) for path, reference in changes]
    return Prepared(workload, edit(workload, *operations), rolling_reach(workload))


def _differing(workload: KubeObject, template: Json, secret: str) -> Iterator[tuple[tuple[str | int, ...], Tree]]:
    for path, reference, name in references_of(workload.tree("spec", "template")):
        former = value_at({"t": template}, pointer("t", *path))
        known = former is not ABSENT and isinstance(former, dict)
        if name == secret and known and former != reference.raw:
            yield path, Tree(former if isinstance(former, dict) else {})


async def _missing(reader: ClusterReader, namespace: str, reference: Tree) -> str:
    name = reference.text("name") or reference.text("secretName")
    found = await reader.get(ObjectRef("v1", "Secret", namespace, name))
    if found is None:
        return f"secret {name}"
    key = reference.text("key")
    return "" if not key or key in found.tree("data").raw else f"key {key} of secret {name}"


ACTION = Action[ReferenceParameters](
    id=ActionId("restore_secret_reference"),
    summary="makes a workload refer to the Secret and key that it referred to in a good revision",
    targets=WORKLOADS,
    parameters=ReferenceParameters,
    when="the template names a Secret or a key that does not exist, and a former revision named one that does",
    never="to make or change a Secret: no value is read, written or made up",
    before="same uid; the revision exists and refers to an existing Secret and key; owner free",
    risk=Risk.MEDIUM,
    undo="references back to the snapshot",
    reads=(*READS, Rule("", "secrets", ("get",))),
    writes=WRITES,
    prepare=prepare,
)
