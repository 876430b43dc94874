"""What a decision looks at, read live: the target with its namespace, and from them the facts of each remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.diagnosis import ActionCall, ActionId, Diagnosis, Hypothesis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.ownership import keeper_of
from kubernaut.domain.plans import Candidate
from kubernaut.domain.sources import PROPOSE
from kubernaut.domain.workloads import wanted_pods
from kubernaut.planning.guards import Autonomy, Pause, Scope, pause_of, scope_of
from kubernaut.planning.history import PastAction
from kubernaut.planning.policy.facts import (
    ActionFacts,
    AlertFacts,
    BlastFacts,
    ClusterFacts,
    Facts,
    HistoryFacts,
    OwnerFacts,
    PlaceFacts,
    TargetFacts,
)
from kubernaut.planning.surroundings import View
from kubernaut.ports import ClusterReader

_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Survey:
    """The object and its namespace as they are; None where they do not exist."""

    target: ObjectRef
    item: KubeObject | None
    place: KubeObject | None

    @property
    def found(self) -> list[KubeObject]:
        """What exists, the most specific first."""
        return [each for each in (self.item, self.place) if each is not None]

    def scope(self, default: Autonomy) -> Scope:
        """What the labels say."""
        return scope_of([each.labels for each in self.found], default=default)

    def pause(self) -> Pause | None:
        """The request for a pause."""
        return pause_of(self.found)


async def survey(reader: ClusterReader, target: ObjectRef) -> Survey:
    """Reads the object and its namespace."""
    item = await reader.get(target)
    place = await reader.get(ObjectRef("v1", "Namespace", "", target.namespace)) if target.namespace else None
    return Survey(target, item, place)


@dataclass(frozen=True, slots=True)
class Nature:
    """What an action is like, whatever it is applied to."""

    risk: str
    reversible: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One incident with all that the facts of its remedies are made from."""

    incident: Incident
    best: Hypothesis
    by_model: bool
    survey: Survey
    scope: Scope
    history: Sequence[PastAction]
    now: datetime
    cluster: str
    environment_label: str
    natures: Mapping[ActionId, Nature]
    asked_about: frozenset[ActionId]

    def facts(self, candidate: Candidate, view: View, *, within: timedelta) -> Facts:
        """The facts of one remedy."""
        call = candidate.call
        # An action that nobody has described is taken for the worst.
        nature = self.natures.get(call.action, Nature("high", reversible=False))
        labels = self.survey.place.labels if self.survey.place else {}
        return Facts(
            cause=self.best.cause,
            confidence=self.best.confidence,
            by_model=self.by_model,
            environment=labels.get(self.environment_label, ""),
            action=ActionFacts(
                call.action,
                nature.risk,
                nature.reversible,
                dict(call.parameters),
                call.action in self.asked_about,
            ),
            target=self._target(call.target),
            ns=PlaceFacts(call.target.namespace, labels),
            alert=AlertFacts(self.incident.alert, self.incident.severity),
            blast=blast_of(call, self.survey.item),
            history=self._history(candidate),
            owner=_owner(candidate),
            cluster=ClusterFacts(self.cluster, view.open_incidents(self.now - within), view.unhealthy_share),
        )

    def _target(self, target: ObjectRef) -> TargetFacts:
        item = self.survey.item
        keeper = keeper_of(item) if item is not None else None
        return TargetFacts(
            kind=target.kind,
            namespace=target.namespace,
            name=target.name,
            labels=item.labels if item is not None else {},
            stateful=is_stateful(target, item),
            keeper=keeper.tool if keeper else "",
            managed=self.scope.managed,
            autonomy=self.scope.autonomy.value,
        )

    def _history(self, candidate: Candidate) -> HistoryFacts:
        hour = [past for past in self.history if past.at > self.now - _HOUR]
        return HistoryFacts(
            healed=candidate.healed,
            tried=candidate.tried,
            lower_bound=candidate.lower_bound,
            failures_1h=sum(past.failed for past in hour),
            actions_1h=len(hour),
            actions_24h=sum(past.at > self.now - _DAY for past in self.history),
        )


def _owner(candidate: Candidate) -> OwnerFacts:
    claim = candidate.claim
    if claim is None:
        return OwnerFacts()
    return OwnerFacts(claim.owner.tool, claim.owner.name, claim.field, claim.manager, claim.operation)


def is_by_model(diagnosis: Diagnosis) -> bool:
    """Whether anything but the rules had a word in the diagnosis."""
    return diagnosis.decided_by != "rules"


def blast_of(call: ActionCall, item: KubeObject | None) -> BlastFacts:
    """What the remedy touches at most; `item` is the workload at hand, of which a pod is one part."""
    if call.action == PROPOSE:
        return BlastFacts(0, 0.0, 0)
    wanted = wanted_pods(item) if item is not None and item.kind in _WORKLOADS else 0
    if call.target.kind == "Pod":
        return BlastFacts(1, 1 / max(1, wanted), 0)
    if call.target.kind == "Node":
        return BlastFacts(0, 0.0, 1)
    # The larger of before and after: scaling down touches those that go, scaling up those that come.
    asked = call.parameters.get("replicas")
    return BlastFacts(max(wanted, asked if isinstance(asked, int) else 0), 1.0, 0)


def is_stateful(target: ObjectRef, item: KubeObject | None) -> bool:
    """Whether data hangs on the object: a StatefulSet, a claim, or a workload that mounts one."""
    if target.kind in {"StatefulSet", "PersistentVolumeClaim", "PersistentVolume"}:
        return True
    if item is None:
        return False
    volumes = item.trees("spec", "template", "spec", "volumes") + item.trees("spec", "volumes")
    return item.kind == "StatefulSet" or any(volume.has("persistentVolumeClaim") for volume in volumes)
