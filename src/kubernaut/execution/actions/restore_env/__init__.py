"""Gives one environment variable of a container the entry of a good revision."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, Tree, copied
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Situation
from kubernaut.execution.revisions import READS, WRITES, former_container
from kubernaut.execution.targets import WORKLOADS


class EnvParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which variable of which container, as it was in which revision."""

    container: Annotated[str, Meta(min_length=1, max_length=63, description="name of the container")]
    variable: Annotated[str, Meta(pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$", max_length=253, description="its name")]
    revision: Annotated[int, Meta(ge=1, description="a revision that was available, as in `kubectl rollout history`")]


async def prepare(on: Situation[EnvParameters]) -> Prepared | Refused:
    """The entry as it was, in its place; a second entry of that name goes, since the last one would win."""
    name = on.parameters.variable
    found = await former_container(on, on.parameters.container, on.parameters.revision)
    if isinstance(found, Refused):
        return found
    now, then = found.present.trees("env"), found.former.trees("env")
    if name not in {entry.text("name") for entry in (*now, *then)}:
        return Refused("variable_missing", f"{found.workload.ref} has no variable {name}, now or then")
    wanted = _with_former(now, then, name)
    former = {**found.former.raw, "env": wanted} if wanted else {}
    return replace(found, former=Tree(former)).changed("env")


def _with_former(now: list[Tree], then: list[Tree], name: str) -> list[Json]:
    names = [entry.text("name") for entry in now]
    at = names.index(name) if name in names else len(names)
    kept: list[Json] = [dict(entry.raw) for entry in now if entry.text("name") != name]
    kept[at:at] = [copied(dict(entry.raw)) for entry in then if entry.text("name") == name]
    return kept


ACTION = Action[EnvParameters](
    id=ActionId("restore_env"),
    summary="gives one environment variable of a container the entry that it had in a good revision",
    targets=WORKLOADS,
    parameters=EnvParameters,
    when="one variable was changed, lost, or hidden by a second one, and other changes have to stay",
    never="when it was the only change (roll back instead), or when Helm, GitOps or an operator owns it",
    before="same uid; the revision and its container exist; the entries differ; not paused, no OnDelete; owner free",
    risk=Risk.MEDIUM,
    undo="container back to the snapshot",
    reads=READS,
    writes=WRITES,
    prepare=prepare,
)
