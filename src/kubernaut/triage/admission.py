"""From a stored signal to an incident, or to a named reason why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from kubernaut.domain.alerts import Stance, handling_of
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import ObjectRef
from kubernaut.domain.signals import Signal
from kubernaut.ports import Admission, Clock, ClusterReader, Ids, IncidentStore, SignalStore
from kubernaut.triage.fingerprints import family_of, fingerprint
from kubernaut.triage.owners import top_owner
from kubernaut.triage.targets import target_of
from kubernaut.triage.topology import incident_behind, may_be_told_by_workload

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

        Raises a `ClusterError` when its owner cannot be read; the signal then stays in the inbox.
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
        target = await top_owner(self.reader, reported) if reported else PLATFORM
        reported = reported or PLATFORM
        family = family_of(signal.name, target)
        identity = fingerprint(self.policy.cluster, target, family)
        if may_be_told_by_workload(target, family):
            behind = await incident_behind(target, self.reader, self.incidents, cluster=self.policy.cluster)
            target, identity = (behind.target, behind.fingerprint) if behind else (target, identity)
        candidate = Incident(
            id=IncidentId(self.ids.new("inc")),
            fingerprint=identity,
            target=target,
            reported=reported,
            alert=signal.name,
            severity=signal.severity,
            started_at=signal.starts_at,
            opened_at=self.clock.now(),
            phase=Phase.INVESTIGATION,
        )
        return await self.incidents.admit(signal, candidate, hold=self.policy.hold)

    async def _known(self, signal: Signal) -> Incident | None:
        """The open incident that this very alert belongs to."""
        incident = await self.incidents.of_alert(signal.alert_key)
        return incident if incident is not None and incident.is_open else None

    async def _set_aside(self, signal: Signal, reason: str) -> SetAside:
        await self.signals.set_aside(signal.id, reason=reason, at=self.clock.now())
        return SetAside(reason)
