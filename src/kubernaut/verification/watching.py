"""Looks at what was left to people: rarely, for a bounded time, and cheaply (the object and its pods)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kubernaut.domain.execution import Intent
from kubernaut.domain.journal import Event
from kubernaut.domain.objects import KubeObject, ObjectRef, Tree, Uid
from kubernaut.domain.proposals import Known, Proposal, Sight
from kubernaut.domain.provenance import writers_since
from kubernaut.domain.references import references
from kubernaut.domain.workloads import is_ready
from kubernaut.ports import ClusterReader
from kubernaut.verification.observing import WORKLOADS, health_of, is_taken_away, newest_pods, subject_of

# What a fault may be mended at beside its object; read twice, at the beginning of the watch and at its end.
_MOST_AROUND: Final = 8
# A day in some hundred looks: closely while people work on it, rarely once they have gone home.
_GROWTH: Final = 1.5
# Kinds that come and go by themselves: that one is gone says nothing about people.
_FLEETING: Final = frozenset({"Pod", "ReplicaSet", "Event", "EndpointSlice"})


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """How long people are watched, and how often: from `first` on, half as long again each time, up to `longest`."""

    horizon: timedelta = timedelta(days=1)
    first: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(minutes=15)

    def pauses(self) -> Iterator[timedelta]:
        """The waits between looks; together they are the horizon."""
        left, pause = self.horizon, self.first
        while left > timedelta():
            yield min(pause, left)
            left -= min(pause, left)
            pause = min(pause * _GROWTH, self.longest)


async def look(reader: ClusterReader, proposal: Proposal, *, at: datetime, firing: bool) -> Sight:
    """How the object of the proposal is now; raises a `ClusterError` where that cannot be read."""
    subject = subject_of(proposal.call, proposal.intent) if proposal.intent else proposal.call.target
    now = await reader.get(subject)
    written = writers_since(now, proposal.at) if now is not None else []
    written_at = written[-1].at if written else None
    if proposal.intent is not None and is_taken_away(proposal.intent, subject):
        gone = now is None or now.uid != KubeObject(proposal.intent.snapshot).uid
        return Sight(at, firing, gone, written_at=written_at)
    if now is None:
        return Sight(at, firing, well=False)
    health = await health_of(reader, proposal.call, now)
    well = health.settled and health.desired > 0 and health.healthy >= health.desired
    # By the cluster's own times, since looks are minutes apart and a mend in between would seem later than it was.
    since = await _well_since(reader, now) if well else None
    return Sight(at, firing, well, since, health.restarts, written_at)


async def _well_since(reader: ClusterReader, subject: KubeObject) -> datetime | None:
    """When the last of its pods got ready, by what the pods say; None for a kind without pods of its own."""
    if subject.kind not in WORKLOADS:
        return None
    conditions = [pod.condition("Ready") for pod in await newest_pods(reader, subject) if is_ready(pod)]
    moments = [each.time("lastTransitionTime") for each in conditions if each is not None]
    return max((moment for moment in moments if moment is not None), default=None)


def well_since(sight: Sight, before: Sight) -> datetime | None:
    """Since when it is well, by the times of its pods and of the last change to it; None where these do not tell.

    Pods of a template that was returned to were ready all along: what is older than the last look, which saw it not
    well, says nothing.
    """
    if not sight.well or before.well:
        return before.well_since if sight.well else None
    told = [moment for moment in (sight.well_since, sight.written_at) if moment is not None and moment > before.at]
    return max(told, default=None)


async def pods_made_since(reader: ClusterReader, subject: ObjectRef, moment: datetime) -> bool:
    """Whether pods of the workload are younger than that."""
    now = await reader.get(subject)
    if now is None or now.kind not in WORKLOADS:
        return False
    made = [pod.created_at for pod in await newest_pods(reader, now)]
    return any(at is not None and at > moment for at in made)


def is_over(last: Sight, first: Sight, before: Sight | None, *, steady_for: timedelta) -> bool:
    """Whether the fault is gone: no alert fires, or what was not well is well at two looks without a restart between.

    What looked well from the beginning is judged by its alert alone.
    """
    if not last.firing:
        return True
    if not last.well or first.well is not False or before is None or not before.well:
        return False
    # A crash loop is ready between its crashes: readiness alone, seen twice, would call it mended.
    return last.restarts == before.restarts and last.at - (before.well_since or before.at) >= steady_for


async def known_around(reader: ClusterReader, proposal: Proposal, diagnosed: Tree) -> tuple[Known, ...]:
    """The other objects at which the fault may be mended: what was cited for its cause, what owns that, references."""
    best = next(iter(diagnosed.trees("hypotheses")), Tree({}))
    cited = set(best.texts("supporting"))
    facts = [fact.tree("object") for fact in diagnosed.trees("evidence") if fact.text("id") in cited]
    refs = [_ref(tree) for tree in (best.tree("target"), *facts)] + list(_referred(proposal.intent))
    parts = proposal.intent.parts if proposal.intent else ()
    own = {proposal.call.target, *(part.preview.change.target for part in parts)}
    found: dict[ObjectRef, Known] = {}
    for ref in [ref for ref in dict.fromkeys(refs) if ref.name and ref not in own][:_MOST_AROUND]:
        lasting = await _lasting(reader, ref)
        if lasting is not None and lasting.object not in own:
            found[lasting.object] = lasting
    return tuple(found.values())


async def _lasting(reader: ClusterReader, ref: ObjectRef) -> Known | None:
    """The object, or for one that comes and goes by itself what controls it; None where nothing lasting does."""
    item = await reader.get(ref)
    while item is not None and ref.kind in _FLEETING:
        owner = item.controller
        if owner is None:
            return None
        ref, item = owner, await reader.get(owner)
    if ref.kind in _FLEETING:
        return None
    return Known(ref, item.uid if item is not None else Uid(""))


def _referred(intent: Intent | None) -> Iterable[ObjectRef]:
    if intent is None:
        return
    snapshot = KubeObject(intent.snapshot)
    for each in references(snapshot.tree("spec", "template")):
        yield ObjectRef("v1", each.kind, snapshot.namespace, each.name)


def _ref(tree: Tree) -> ObjectRef:
    return ObjectRef(tree.text("api_version"), tree.text("kind"), tree.text("namespace"), tree.text("name"))


def alert_ended_at(resolved: Iterable[Event], *, began: datetime) -> datetime | None:
    """When the last alert of the incident ended: as its source says, where that can be."""
    last = next(iter(reversed(list(resolved))), None)
    if last is None:
        return None
    said = Tree(last.body).time("ends_at")
    # Sources write ends that lie in the future (Alertmanager's time-out) or the zero time; neither is believed.
    return min(said, last.at) if said is not None and said >= began else last.at
