"""Where the spec of an owned object is kept: a git repository, and what of it is where."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.ownership import OPERATOR, keeper_of

PROPOSE: Final = ActionId("propose_change")
Provider = Literal["github", "gitlab", "gitea", "none"]


@dataclass(frozen=True, slots=True)
class ValueField:
    """A field of an object that a chart renders from a value: which, and where the value stands.

    `field` is such as `spec.template.spec.containers[web].resources.limits.memory`, `value` such as `web.memory`.
    """

    kind: str
    name: str
    field: str
    file: str
    value: str


@dataclass(frozen=True, slots=True)
class DeclaredSource:
    """One repository with what it holds. Empty conditions hold for every object; all have to hold.

    `owners` are names of an Application, a Kustomization, a HelmRelease or a release, as the object's marks have them.
    """

    name: str
    url: str
    branch: str = "main"
    prefix: str = ""
    owners: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    values: tuple[ValueField, ...] = ()
    provider: Provider = "none"

    def serves(self, item: KubeObject) -> bool:
        """Whether the object's spec is kept here."""
        keeper = keeper_of(item)
        # What an operator keeps is the custom resource that it makes the object from.
        if keeper is None or keeper.tool == OPERATOR:
            return False
        # Argo CD's tracking id is `application:group/Kind:namespace/name`.
        owner = keeper.name.partition(":")[0]
        return (
            (not self.owners or owner in self.owners)
            and (not self.namespaces or item.namespace in self.namespaces)
            and self.labels.items() <= item.labels.items()
        )


def source_of(item: KubeObject, sources: Sequence[DeclaredSource]) -> DeclaredSource | None:
    """The first source that serves the object."""
    return next((source for source in sources if source.serves(item)), None)


def proposal_of(call: ActionCall) -> ActionCall:
    """The call that proposes to the object's owner what the given one would do."""
    parameters = json.dumps(dict(call.parameters), sort_keys=True)
    return ActionCall(PROPOSE, call.target, {"action": call.action, "parameters": parameters})


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The YAML files of a source at one commit. `left_out` names what was too large, or no plain file."""

    commit: str
    files: Mapping[str, str]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposedFile:
    """A file as it is to be."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of proposing: the address, empty where nothing was proposed, and why."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A change that was proposed: `address` is where people look at it, `number` that of its pull request.

    `existed` is True where it had been proposed before.
    """

    source: str
    branch: str
    commit: str
    address: str
    number: int | None = None
    existed: bool = False
