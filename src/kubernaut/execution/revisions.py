"""What a former revision of a workload held: its whole template, or one container of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from msgspec import Meta

from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, Tree, copied
from kubernaut.execution.catalogue import Parameters, Prepared, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import rolling_reach
from kubernaut.execution.targets import find, workload_rules
from kubernaut.ports import ClusterReader
from kubernaut.resources import CONTROLLER_REVISION, REPLICA_SET

_NUMBER = "deployment.kubernetes.io/revision"
_HASHES = ("pod-template-hash", "controller-revision-hash")
_POD = ("spec", "template", "spec")

READS = (
    *workload_rules("get"),
    Rule("apps", "replicasets", ("list",)),
    Rule("apps", "controllerrevisions", ("list",)),
)
WRITES = workload_rules("patch")


class RevisionParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which revision; 0 where its number was not shown, as in a ticket."""

    revision: Annotated[
        int,
        Meta(ge=0, description="as in `kubectl rollout history`; 0 is the one before, as in `rollout undo`"),
    ]


class ContainerParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which container, as it was in which revision."""

    container: Annotated[str, Meta(min_length=1, max_length=63, description="name of the container")]
    revision: Annotated[int, Meta(ge=1, description="a revision that was available, as in `kubectl rollout history`")]


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True)
class FormerContainer:
    """A container as it is, where it stands in the workload, and as the former revision had it."""

    workload: KubeObject
    path: tuple[str | int, ...]
    present: Tree
    former: Tree

    def changed(self, *fields: str) -> Prepared | Refused:
        """The change that gives those fields their former values, or takes them out where there were none."""
        wanted = {key: value for key, value in self.present.raw.items() if key not in fields}
        wanted |= {key: copied(self.former.raw[key]) for key in fields if key in self.former.raw}
        if wanted == self.present.raw:
            return Refused("no_effect", f"{self.workload.ref} has the former {' and '.join(fields)} already")
        operation = setting(self.workload, wanted, *self.path)
        return Prepared(self.workload, edit(self.workload, operation), rolling_reach(self.workload))


async def template_of(reader: ClusterReader, workload: KubeObject, revision: int) -> JsonObject | None:
    """The template of that revision as its author wrote it, None where it is not kept any more."""
    return _as_written((await _kept(reader, workload)).get(revision))


async def _kept(reader: ClusterReader, workload: KubeObject) -> dict[int, Json]:
    """The templates that are kept, by their numbers."""
    found: dict[int, Json] = {}
    if workload.kind == "Deployment":
        for item in (await reader.list(REPLICA_SET, workload.namespace)).items:
            if _belongs(item, workload) and (number := item.annotations.get(_NUMBER, "")).isdecimal():
                # By annotation: going back to a revision renumbers its ReplicaSet, so the order of creation tells
                # nothing.
                found[int(number)] = item.at("spec", "template")
        return found
    for item in (await reader.list(CONTROLLER_REVISION, workload.namespace)).items:
        if _belongs(item, workload):
            found[item.integer("revision")] = item.at("data", "spec", "template")
    return found


async def rolled_back(
    on: Situation[RevisionParameters], *checks: Callable[[KubeObject], Refused | None]
) -> Prepared | Refused:
    """The whole template of the revision in place of the present one."""
    workload = await find(on, *checks)
    if isinstance(workload, Refused):
        return workload
    kept = await _kept(on.reader, workload)
    # The present one has the highest number: to go back to a revision makes it the newest.
    revision = on.parameters.revision or max(sorted(kept)[:-1], default=0)
    template = _as_written(kept.get(revision))
    if template is None:
        return Refused("revision_missing", f"{workload.ref} has no revision {revision} any more")
    if template == workload.at("spec", "template"):
        return Refused("no_effect", f"{workload.ref} has the template of revision {revision} already")
    # An old template may name a ConfigMap that was deleted since; its pods would wait for it for ever.
    missing = await _missing_config(on.reader, workload.namespace, Tree(template))
    if missing:
        return Refused("config_missing", f"revision {revision} needs {missing}, which does not exist")
    change = edit(workload, setting(workload, template, "spec", "template"))
    return Prepared(workload, change, rolling_reach(workload))


async def former_container(on: Situation[P], container: str, revision: int) -> FormerContainer | Refused:
    """The container now and then."""
    workload = await find(on, paused, replaced_by_hand)
    if isinstance(workload, Refused):
        return workload
    place = container_at(workload, container)
    if place is None:
        return Refused("container_missing", f"{workload.ref} has no container {container}")
    template = await template_of(on.reader, workload, revision)
    if template is None:
        return Refused("revision_missing", f"{workload.ref} has no revision {revision} any more")
    former = _named(Tree(template), container)
    if former is None:
        return Refused("container_missing", f"revision {revision} of {workload.ref} has no container {container}")
    path, present = place
    return FormerContainer(workload, path, present, former)


def container_at(workload: KubeObject, name: str) -> tuple[tuple[str | int, ...], Tree] | None:
    """The path and the content of the container of that name, among the init containers too."""
    for part in ("containers", "initContainers"):
        for index, entry in enumerate(workload.trees(*_POD, part)):
            if entry.text("name") == name:
                return (*_POD, part, index), entry
    return None


def paused(workload: KubeObject) -> Refused | None:
    """Refuses where a new template would not be rolled out."""
    if not workload.flag("spec", "paused"):
        return None
    return Refused("paused", f"{workload.ref} is paused, so a new template would not be rolled out")


def replaced_by_hand(workload: KubeObject) -> Refused | None:
    """Refuses where pods get a new template only when somebody deletes them, or only some of them get it."""
    strategy = workload.tree("spec", "updateStrategy")
    if strategy.text("type") == "OnDelete":
        return Refused("on_delete", f"{workload.ref} replaces pods only when they are deleted")
    partition = strategy.integer("rollingUpdate", "partition")
    if workload.kind == "StatefulSet" and partition > 0:
        return Refused("partition", f"{workload.ref} holds a partition: pods below {partition} would stay as they are")
    return None


def _belongs(item: KubeObject, workload: KubeObject) -> bool:
    owner = item.owner
    return owner is not None and owner.uid == workload.uid


def _named(template: Tree, name: str) -> Tree | None:
    containers = [*template.trees("spec", "containers"), *template.trees("spec", "initContainers")]
    return next((entry for entry in containers if entry.text("name") == name), None)


def _as_written(template: Json) -> JsonObject | None:
    """The template without what the controllers put into it: the hash label, and how the revision is applied."""
    if not isinstance(template, dict):
        return None
    result = copied(template)
    # ControllerRevisions keep the template as a strategic patch with `$patch: replace`, which is no field of a
    # template.
    result.pop("$patch", None)
    metadata = result.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    for label in _HASHES:
        if isinstance(labels, dict):
            labels.pop(label, None)
    return result


async def _missing_config(reader: ClusterReader, namespace: str, template: Tree) -> ObjectRef | None:
    """The first ConfigMap that the template cannot do without and that is gone: its content is in no revision."""
    for name in sorted(_config_maps(template)):
        ref = ObjectRef("v1", "ConfigMap", namespace, name)
        if await reader.get(ref) is None:
            return ref
    return None


def _config_maps(template: Tree) -> set[str]:
    containers = [*template.trees("spec", "initContainers"), *template.trees("spec", "containers")]
    references = [entry.tree("configMapRef") for each in containers for entry in each.trees("envFrom")]
    references += [entry.tree("valueFrom", "configMapKeyRef") for each in containers for entry in each.trees("env")]
    references += [volume.tree("configMap") for volume in template.trees("spec", "volumes")]
    return {entry.text("name") for entry in references if entry.text("name") and not entry.flag("optional")}
