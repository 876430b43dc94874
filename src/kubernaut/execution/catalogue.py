"""The closed catalogue of actions. Nothing outside it can be done to a cluster.

Each folder under `actions/` holds one action as the value `ACTION`; a new folder is a new action, and nothing else
changes. An action only reads: what it wants to change it gives back as a `Change`, and `applying` does the rest.
"""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeAlias, TypeVar

import msgspec

from kubernaut.domain.changes import Change, WayBack
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.errors import InputError, UnknownName
from kubernaut.domain.execution import Gone, Moved, Refused
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.domain.ownership import Claim, claim_on
from kubernaut.execution import actions
from kubernaut.ports import ClusterReader


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The typed parameters of an action; the bounds are in the annotations."""


class NoParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """For an action that takes none."""


_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "Deployment": "workloads",
        "StatefulSet": "workloads",
        "DaemonSet": "workloads",
        "Pod": "pods",
        "Job": "batch",
        "CronJob": "batch",
        "Service": "network",
        "Ingress": "network",
        "NetworkPolicy": "network",
        "Node": "nodes",
        "PersistentVolumeClaim": "storage",
        "HorizontalPodAutoscaler": "limits",
        "PodDisruptionBudget": "limits",
        "ResourceQuota": "limits",
        "ConfigMap": "configuration",
        "Secret": "configuration",
        "ServiceAccount": "rights",
    }
)

ParametersT = TypeVar("ParametersT", bound=Parameters)


class Risk(StrEnum):
    """What may be lost while the action goes on."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One RBAC rule."""

    api_group: str
    resource: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Situation(Generic[ParametersT]):
    """What an action decides on: what it may read, its target, its checked parameters, and the time."""

    reader: ClusterReader
    target: ObjectRef
    parameters: ParametersT
    now: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """One more change of a remedy of many objects, with its object as it was read (None where it is new).

    `after` is what has to have happened before it is made. `back` is given where the way back of the change cannot be
    worked out from it: the object that a deletion takes away.
    """

    before: KubeObject | None
    change: Change
    after: Moved | Gone | None = None
    back: WayBack | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The object as it was read (None where it is new), the change that fits it, and its reach in words.

    `further` are the other changes of the remedy, in order. They wait up to `patience` for budgets and owners; where
    one cannot be made all are taken back, unless they do not belong `together`.
    """

    before: KubeObject | None
    change: Change
    reach: str
    further: tuple[Part, ...] = ()
    back: WayBack | None = None
    patience: timedelta = timedelta()
    together: bool = True

    @property
    def parts(self) -> tuple[Part, ...]:
        """All changes, in order."""
        return (Part(self.before, self.change, back=self.back), *self.further)

    def claim(self, rewriters: Iterable[str] = ()) -> Claim | None:
        """The first claim of an owner on any of the fields that would be changed."""
        old = [(part.before, part.change) for part in self.parts]
        claims = (claim_on(before, change, rewriters) for before, change in old if before is not None)
        return next((claim for claim in claims if claim is not None), None)


# Without slots: on Python 3.11 a frozen generic with slots cannot be made as `Action[X](...)`.
@dataclass(frozen=True, kw_only=True)
class Action(Generic[ParametersT]):
    """One remedy: what people read about it, what it takes, what it needs, and how it is prepared.

    `prepare` is None for an action that changes nothing in the cluster. `reversible` is False where the change cannot
    be taken back, which always needs approval; `approval` is True where it is needed for another reason. `replaced` is
    True where nothing has to be taken back, since what the action ends is made again the same (a pod, by its
    controller).
    """

    id: ActionId
    version: int = 1
    summary: str
    targets: tuple[str, ...]
    parameters: type[ParametersT]
    when: str
    never: str
    before: str
    risk: Risk
    undo: str
    reversible: bool = True
    replaced: bool = False
    approval: bool = False
    reads: tuple[Rule, ...]
    writes: tuple[Rule, ...] = ()
    prepare: Callable[[Situation[ParametersT]], Awaitable[Prepared | Refused]] | None = None

    @property
    def changes(self) -> bool:
        """Whether it changes the cluster."""
        return self.prepare is not None

    @property
    def group(self) -> str:
        """What it works on, in one word, such as `workloads`."""
        return _GROUPS.get(self.targets[0], "other") if self.targets else "people"

    @property
    def is_asked_about(self) -> bool:
        """Whether a person always has to agree, however much autonomy the scope has."""
        return self.approval or not self.reversible

    def check(self, call: ActionCall) -> ParametersT:
        """The parameters, typed; raises `InputError` naming the parameter or the kind that does not fit."""
        if self.targets and call.target.kind not in self.targets:
            raise InputError(f"{self.id}: the target is a {call.target.kind}, not a {' or '.join(self.targets)}")
        try:
            return msgspec.convert(dict(call.parameters), self.parameters, strict=True)
        except msgspec.ValidationError as error:
            fact, _, place = str(error).partition(" - at `$")
            named = place.strip(".`")
            raise InputError(f"{self.id}: {f'{named}: ' if named else ''}{fact}") from error

    async def prepared(self, reader: ClusterReader, call: ActionCall, now: datetime) -> Prepared | Refused:
        """The change that fits the cluster as it is now, or why there is none."""
        if self.prepare is None:
            return Refused("makes_no_change", f"{self.id} changes nothing in the cluster")
        return await self.prepare(Situation(reader, call.target, self.check(call), now))

    def schema(self) -> JsonObject:
        """The JSON schema of the parameters."""
        return msgspec.json.schema(self.parameters)


AnyAction: TypeAlias = "Action[Parameters]"


class Catalogue:
    """The actions by id."""

    def __init__(self, entries: Mapping[ActionId, AnyAction]) -> None:
        self._entries = MappingProxyType(dict(sorted(entries.items())))

    def __iter__(self) -> Iterator[AnyAction]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, action: str) -> bool:
        return action in self._entries

    def __getitem__(self, action: str) -> AnyAction:
        """The action of that id; raises `UnknownName`."""
        found = self._entries.get(ActionId(action))
        if found is None:
            raise UnknownName(f"there is no action {action}; known: {', '.join(self._entries)}")
        return found

    def only(self, enabled: frozenset[str]) -> Catalogue:
        """The catalogue without what is not enabled."""
        return Catalogue({entry.id: entry for entry in self if entry.id in enabled})


def discover(package: types.ModuleType = actions) -> Catalogue:
    """Every action that has a folder."""
    found: dict[ActionId, AnyAction] = {}
    for entry in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{entry.name}")
        if entry.name != module.ACTION.id:
            raise InputError(f"the folder {entry.name} holds the action {module.ACTION.id}")
        found[module.ACTION.id] = module.ACTION
    return Catalogue(found)
