"""Gives one container the command and arguments of a good revision."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.execution.catalogue import Action, Prepared, Risk, Situation
from kubernaut.execution.revisions import READS, WRITES, ContainerParameters, former_container
from kubernaut.execution.targets import WORKLOADS


async def prepare(on: Situation[ContainerParameters]) -> Prepared | Refused:
    """Command, arguments and working directory as they were, or taken out where there were none."""
    found = await former_container(on, on.parameters.container, on.parameters.revision)
    return found if isinstance(found, Refused) else found.changed("command", "args", "workingDir")


ACTION = Action[ContainerParameters](
    id=ActionId("restore_command"),
    summary="gives one container the command and arguments that it had in a good revision",
    targets=WORKLOADS,
    parameters=ContainerParameters,
    when="only the command or its arguments are wrong, and other changes of the same rollout have to stay",
    never="when they were the only change (roll back instead), or when Helm, GitOps or an operator owns it",
    before="same uid; the revision and its container exist; they differ; not paused, no OnDelete; owner free",
    risk=Risk.MEDIUM,
    undo="container back to the snapshot",
    reads=READS,
    writes=WRITES,
    prepare=prepare,
)
