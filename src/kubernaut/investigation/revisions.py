"""The history of a workload's template, and which former revision is known to have worked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.workloads import is_ready
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.templates import UNSEEN, Difference, differences

_NUMBER = "deployment.kubernetes.io/revision"
_POD_REVISION = "controller-revision-hash"
_HISTORY = "deployment.kubernetes.io/revision-history"
# Events live one hour by default; a little less is what can be relied on.
_EVENTS_REACH = timedelta(minutes=50)
_SERVED_LONG = timedelta(minutes=10)
_SERVED_SHORT = timedelta(seconds=10)
# Revisions count rollouts: what has more digits was not written by a controller.
_DIGITS = 9
_LOOPS = frozenset({"BackOff"})
_DELAYS = frozenset({"Failed", "FailedMount", "FailedScheduling", "FailedCreatePodSandBox"})


@dataclass(frozen=True, slots=True)
class Revision:
    """One template of a workload. `made_at` is None where the object that holds it was used more than once."""

    number: int
    template: Tree
    source: KubeObject
    made_at: datetime | None
    desired: int
    available: int

    @property
    def title(self) -> str:
        """`revision 4`, where its number is known."""
        return f"revision {self.number}" if self.number else "the revision before"


@dataclass(frozen=True, slots=True)
class GoodRevision:
    """A former revision that worked, how that is known, and what the present one has otherwise."""

    revision: Revision
    proof: Fact
    differences: tuple[Difference, ...]


def revisions_of(scene: Scene, owner: KubeObject) -> list[Revision]:
    """The revisions that are kept, newest first."""
    if owner.kind == "Deployment":
        found = [_of_replica_set(item) for item in scene.owned(owner, "ReplicaSet")]
    elif owner.kind in {"StatefulSet", "DaemonSet"}:
        pods = scene.owned(owner, "Pod")
        found = [_of_controller_revision(item, pods) for item in scene.owned(owner, "ControllerRevision")]
    else:
        found = []
    ordered = sorted(found, key=_age_of, reverse=True)
    return [
        replace(each, made_at=None) if _is_reused(each, ordered[index:]) else each for index, each in enumerate(ordered)
    ]


def _age_of(revision: Revision) -> tuple[int, bool, str]:
    """By number; without numbers, one that should have pods is later than one that should have none."""
    return revision.number, revision.desired > 0, str(revision.made_at or "")


def _is_reused(revision: Revision, former: Sequence[Revision]) -> bool:
    """Whether a ControllerRevision is older than one before it: its template came back, under the highest number."""
    if revision.source.kind != "ControllerRevision":
        return False
    return any(each.made_at and revision.made_at and each.made_at > revision.made_at for each in former)


def _of_replica_set(item: KubeObject) -> Revision:
    number = item.annotations.get(_NUMBER, "")
    # A rollback takes the old ReplicaSet again, whose creation then tells of its first time.
    reused = bool(item.annotations.get(_HISTORY))
    return Revision(
        number=int(number) if number.isdecimal() and len(number) <= _DIGITS else 0,
        template=item.tree("spec", "template"),
        source=item,
        made_at=None if reused else item.created_at,
        desired=item.integer("spec", "replicas"),
        available=item.integer("status", "availableReplicas"),
    )


def _of_controller_revision(item: KubeObject, pods: Sequence[KubeObject]) -> Revision:
    """The pods say which revision they have: by its name, or those of a DaemonSet by the end of its name."""
    marks = [pod.labels.get(_POD_REVISION, "") for pod in pods if is_ready(pod)]
    available = sum(bool(mark) and (item.name == mark or item.name.endswith(f"-{mark}")) for mark in marks)
    return Revision(
        number=item.integer("revision"),
        template=item.tree("data", "spec", "template"),
        source=item,
        made_at=item.created_at,
        desired=0,
        available=available,
    )


def changes(old: Revision, new: Revision) -> tuple[Difference, ...]:
    """What the newer revision has otherwise; where one of them was not read, only that it differs."""
    if not (old.template.has("spec", "containers") and new.template.has("spec", "containers")):
        return (UNSEEN,)
    found = differences(old.template, new.template)
    # Templates carry labels; one without has only what a table told of it.
    is_whole = old.template.has("metadata") and new.template.has("metadata")
    return found if is_whole else (*found, UNSEEN)


def last_real(revisions: Sequence[Revision]) -> int:
    """The place of the newest revision that changed what runs, not only a restart's mark."""
    for index, former in enumerate(revisions[1:]):
        if any(not part.is_stamp for part in changes(former, revisions[0])):
            return index
    return 0


def good_revision(
    scene: Scene, revisions: Sequence[Revision], helps: Callable[[tuple[Difference, ...]], bool]
) -> GoodRevision | None:
    """The last former revision that worked and whose differences `helps` accepts.

    One whose pods are available at this moment is preferred to one that only left no sign of trouble.
    """
    if not revisions:
        return None
    current, presumed = revisions[0], None
    for index, former in enumerate(revisions[1:], 1):
        changed = changes(former, current)
        if not helps(changed):
            continue
        # The best proof there is: at this very moment its pods work in this very cluster.
        if former.available > 0:
            text = f"{former.title} still has {former.available} available pods"
            path = "status.availableReplicas" if former.source.kind == "ReplicaSet" else "revision"
            return GoodRevision(former, facts.field(former.source, path, text), changed)
        if presumed is None:
            proof = _served(scene, former, revisions[index - 1])
            presumed = GoodRevision(former, proof, changed) if proof else None
    return presumed


def _served(scene: Scene, former: Revision, successor: Revision) -> Fact | None:
    """That a revision served without trouble until the next one came, as far as events and times tell.

    A revision without pods no longer says that they were available. What remains is how long it stood and that no
    warning about its pods is left.
    """
    source = former.source
    # Without the events the absence of trouble proves nothing.
    if successor.made_at is None or not scene.covers("Event", source.namespace):
        # Where the next one is an older template again, somebody went back from this one, which speaks against it.
        return None
    if _had_trouble(scene, source, successor.made_at):
        return None
    if former.made_at is None:
        text = f"{former.title} was rolled out before and left no warning"
        path = f"metadata.annotations[{_HISTORY}]" if source.kind == "ReplicaSet" else "revision"
        return facts.field(source, path, text)
    served = successor.made_at - former.made_at
    # While events of that time are kept, their silence says more than a long stand does later.
    enough = _SERVED_SHORT if scene.now - successor.made_at <= _EVENTS_REACH else _SERVED_LONG
    if served < enough:
        return None
    text = f"{former.title} stood for {spell(served)} before {_next(successor)}, no warning of its pods"
    return facts.field(source, "metadata.creationTimestamp", text, former.made_at)


def _next(successor: Revision) -> str:
    return successor.title if successor.number else "the next one"


def _had_trouble(scene: Scene, source: KubeObject, until: datetime) -> bool:
    """Whether events tell of a pod of that revision that crashed, or that never started."""
    told: Mapping[str, set[str]]
    if source.kind == "ReplicaSet":
        if scene.events_of(source, "FailedCreate"):
            return True
        told = scene.occurrences.reasons_of_pods_named(source.namespace, f"{source.name}-")
    else:
        told = _told_before(scene, source, until)
    return any(reasons & _LOOPS or (reasons & _DELAYS and "Started" not in reasons) for reasons in told.values())


def _told_before(scene: Scene, source: KubeObject, until: datetime) -> Mapping[str, set[str]]:
    """By the uid of a pod: the reasons of what was said about the owner's pods before the next revision was made.

    The pods of all revisions of a StatefulSet have the same names, so only the time tells whose trouble it was.
    """
    owner, found = source.controller, defaultdict[str, set[str]](set)
    form = re.compile(rf"{re.escape(owner.name if owner else source.name)}-(?:\d+|[a-z0-9]{{5}})")
    prefix = f"{owner.name}-" if owner else source.name
    for entry in scene.occurrences.of_pods_named(source.namespace, prefix, *_LOOPS, *_DELAYS, "Started"):
        began = entry.time("firstTimestamp") or facts.event_time(entry)
        about = entry.tree("involvedObject")
        if form.fullmatch(about.text("name")) and began is not None and began < until:
            found[about.text("uid") or about.text("name")].add(entry.text("reason"))
    return found


def spell(span: timedelta) -> str:
    """A span of time as people say it: `41 s`, `12 min`, `3 h`, `5 d`."""
    seconds = max(int(span.total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
