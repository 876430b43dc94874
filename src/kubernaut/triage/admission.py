"""From a stored signal to an incident, or to a named reason why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from kubernaut.domain.alerts import Stance, handling_of
from kubernaut.domain.errors import ClusterError
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import ObjectRef
from kubernaut.domain.signals import Signal
from kubernaut.ports import Admission, Clock, ClusterReader, Ids, IncidentStore, SignalStore
from kubernaut.triage.fingerprints import AVAILABILITY, family_of, fingerprint
from kubernaut.triage.owners import top_owner
from kubernaut.triage.suspects import suspect_behind
from kubernaut.triage.targets import target_of
from kubernaut.triage.topology import Neighbours, may_be_told_by_workload

# Alerts that say that alerting works, or that mute others; there is nothing to mend.
HEARTBEATS = frozenset({"Watchdog", "InfoInhibitor"})
PLATFORM = ObjectRef("v1", "Namespace", "", "kube-system")


def comes_last(signal: Signal) -> bool:
    """Whether of alerts that came together the others have to be admitted first, since it may be part of one."""
    target = target_of(signal.labels)
    return target is not None and may_be_told_by_workload(target, family_of(signal.name, target))


@dataclass(frozen=True, slots=True)
class TriagePolicy:
    """`hold`: how long after its end an incident still takes in its own alerts."""

    cluster: str
    hold: timedelta


@dataclass(frozen=True, slots=True)
class Resolved:
    """A resolved alert, with the open incidents that it may end."""

    incidents: tuple[Incident, ...]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A signal that opens nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Matter:
    """What an incident is about. `is_symptom`: the fault behind it was seen just now, so that it is nothing new."""

    target: ObjectRef
    fingerprint: Fingerprint
    is_symptom: bool = False


def _of(incident: Incident | None) -> _Matter | None:
    return _Matter(incident.target, incident.fingerprint) if incident else None


@dataclass(frozen=True, slots=True)
class TriageStage:
    """The stage with its ports."""

    reader: ClusterReader
    signals: SignalStore
    incidents: IncidentStore
    clock: Clock
    ids: Ids
    policy: TriagePolicy

    async def admit(self, signal: Signal) -> Admission | Resolved | SetAside:
        """What becomes of the signal.

        Raises a retryable `ClusterError` while its owner cannot be read; the signal then stays in the inbox.
        """
        if signal.name in HEARTBEATS:
            return await self._set_aside(signal, f"{signal.name} says that alerting works")
        handling = handling_of(signal.name)
        if handling.stance is Stance.DECLINE:
            return await self._set_aside(signal, f"{signal.name}: {handling.reason}")
        if not signal.firing:
            return Resolved(tuple(await self.incidents.resolve(signal)))
        known = await self._known(signal)
        if known is not None:
            # A repetition says nothing new about where it belongs, so the cluster is not asked again.
            again = replace(known, id=IncidentId(self.ids.new("inc")), severity=signal.severity)
            return await self.incidents.admit(signal, again, hold=self.policy.hold)
        reported = target_of(signal.labels)
        if reported is None and handling.stance is not Stance.ESCALATE:
            return await self._set_aside(signal, "no label names a Kubernetes object")
        # Alerts about the platform name no object; they are about what lives in its namespace.
        reported = reported or PLATFORM
        matter = await self._matter_of(reported, signal.name)
        candidate = Incident(
            id=IncidentId(self.ids.new("inc")),
            fingerprint=matter.fingerprint,
            target=matter.target,
            reported=reported,
            alert=signal.name,
            severity=signal.severity,
            started_at=signal.starts_at,
            opened_at=self.clock.now(),
            phase=Phase.INVESTIGATION,
        )
        return await self.incidents.admit(signal, candidate, hold=self.policy.hold, symptom=matter.is_symptom)

    async def _matter_of(self, reported: ObjectRef, alert: str) -> _Matter:
        """What the alert is about, as far as we may look: what was refused once would be refused for ever."""
        try:
            target = reported if reported is PLATFORM else await top_owner(self.reader, reported)
            return await self._matter(target, family_of(alert, target))
        except ClusterError as error:
            if error.retryable:
                raise
            # People are told by its incident; waiting for it would hold up other alerts.
            return _Matter(reported, fingerprint(self.policy.cluster, reported, family_of(alert, reported)))

    async def _matter(self, target: ObjectRef, family: str) -> _Matter:
        """What the alert is about in the end: its own object, or what this one shares with others that fail."""
        cluster = self.policy.cluster
        own = _Matter(target, fingerprint(cluster, target, family))
        neighbours = Neighbours(self.reader, self.incidents, cluster)
        if may_be_told_by_workload(target, family):
            return _of(await neighbours.behind(target)) or own
        if family != AVAILABILITY or await self.incidents.open_fingerprint(own.fingerprint) is not None:
            return own
        suspect = await suspect_behind(target, self.reader, now=self.clock.now())
        if suspect is None:
            return _of(await neighbours.in_front_of(target)) or own
        if suspect.is_node:
            return _Matter(suspect.object, fingerprint(cluster, suspect.object, "node"), is_symptom=True)
        # The first of the workloads may have failed before it could be seen that others share its fault.
        shared = _Matter(target, fingerprint(cluster, suspect.object, "configuration"), is_symptom=True)
        return _of(await neighbours.among(suspect.workloads)) or shared

    async def _known(self, signal: Signal) -> Incident | None:
        """The open incident that this very alert belongs to."""
        incident = await self.incidents.of_alert(signal.alert_key)
        return incident if incident is not None and incident.is_open else None

    async def _set_aside(self, signal: Signal, reason: str) -> SetAside:
        await self.signals.set_aside(signal.id, reason=reason, at=self.clock.now())
        return SetAside(reason)
