"""Pods that wait for a ConfigMap, a Secret or a key that is not there: one search for three causes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_writer
from kubernaut.domain.references import Reference, references
from kubernaut.investigation import facts
from kubernaut.investigation.configuration import complaint, keys_of, recorded, resolves, waits_for_configuration
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import YOUNG, is_young
from kubernaut.investigation.proving import worked_before
from kubernaut.investigation.remedies import WayBack, call, escalate, way_back
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference
from kubernaut.investigation.untold import as_far_as_known

_GONE = "The template asked for it before: it was removed, and its content is not in any revision."
_UNTOLD = "No former revision is shown: whether it was removed, renamed or never there is not known."
_KEPT = "The template asked for it before: it was taken out since it was last applied, which records its content."


@dataclass(frozen=True, slots=True)
class Gap:
    """A reference that does not resolve, the pod that waits for it, and what the kubelet says about it."""

    reference: Reference
    pod: KubeObject
    facts: tuple[Fact, ...]


def cause_of_missing(kind: str, *, fault: int, look_alike: str) -> Cause:
    """The cause that a whole ConfigMap or Secret is missing; `look_alike` is the one of the other kind."""
    word = kind.lower()
    other = look_alike.removeprefix("missing_")

    def examine(workload: Workload) -> Finding | None:
        """The finding when a waiting pod refers to one that is not there: the list shows it, or the kubelet says so."""
        gap = find_gap(workload, (kind,), key=False)
        return finding_of(workload, gap) if gap else None

    return Cause(
        id=CauseId(f"missing_{word}"),
        title=f"A {kind} that a pod needs does not exist",
        faults=(fault,),
        needs=("Pod", kind, "ReplicaSet"),
        look_alikes={
            look_alike: f"the kubelet names a {other}",
            "missing_config_key": "the object is there, only a key of it is not",
            "rollout_in_progress": f"'failed to sync {word} cache' is a delay of the kubelet, nothing is missing",
        },
        know="Its content is not in any revision: it comes back from where it is declared (Git, Helm, a secret store).",
        by_hand=(
            "kubectl -n {namespace} describe pod {pod}",
            "kubectl -n {namespace} get {object}",
            "kubectl -n {namespace} rollout history {kind}/{name}",
        ),
        narrows=("container_not_creatable", "volume_not_mounted"),
        workload=examine,
    )


def find_gap(workload: Workload, kinds: tuple[str, ...], *, key: bool) -> Gap | None:
    """The first required reference of a waiting pod that does not resolve: an object, or a key of one that is there.

    Where the list could not be read, only the kubelet's own words count.
    """
    for pod in filter(waits_for_configuration, workload.pods):
        for reference in sorted(_wanted(workload, pod, kinds, key=key)):
            found = resolves(workload.scene, reference, pod.namespace)
            told = complaint(workload.scene, pod, reference)
            if found is False or (found is None and told):
                return Gap(reference, pod, (*told, *_absence(workload, reference, pod)))
    return None


def _wanted(workload: Workload, pod: KubeObject, kinds: tuple[str, ...], *, key: bool) -> set[Reference]:
    named = [entry for entry in references(pod) if entry.kind in kinds]
    if key:
        return {entry for entry in named if entry.key and _exists(workload, entry)}
    return {replace(entry, key="") for entry in named}


def _exists(workload: Workload, reference: Reference) -> bool:
    """Whether the object is there, so that only its key can be missing; an unread list leaves the key in question."""
    if workload.scene.get(reference.kind, workload.object.namespace, reference.name) is not None:
        return True
    return not workload.scene.covers(reference.kind, workload.object.namespace, reference.name)


def _absence(workload: Workload, reference: Reference, pod: KubeObject) -> list[Fact]:
    scene = workload.scene
    item = scene.get(reference.kind, pod.namespace, reference.name)
    if item is not None:
        has = ", ".join(sorted(keys_of(item))[:10]) or "no key"
        text = f"{reference.kind} {item.name} has {has}, not {reference.key}"
        return [facts.absence(item, f"data[{reference.key}]", text)]
    if not scene.covers(reference.kind, pod.namespace, reference.name):
        return []
    told = f"it is not there in {pod.namespace}"
    if scene.covers(reference.kind, pod.namespace):
        told = f"it is none of the {len(scene.all(reference.kind, pod.namespace))} in {pod.namespace}"
    who = pod.name if "[]" in reference.path else reference.path
    text = f"{who} needs {reference.kind} {reference.name}; {told}"
    return [facts.absence(pod, f"{reference.kind.lower()}/{reference.name}", text)]


def finding_of(workload: Workload, gap: Gap) -> Finding:
    """The finding: back to the former revision where the change brought the reference, else for people."""
    reference = gap.reference
    brought = _brought(workload, reference)
    settled = brought and not is_young(workload)
    back = way_back(workload, lambda part: _names(part, reference)) if settled else None
    told = workload.change_fact(lambda part: _names(part, reference)) if brought else None
    lost = () if brought else _lost(workload, reference)
    thing = f"{reference.kind} {reference.name}"
    who = "its pod" if "[]" in reference.path else reference.path
    lack = f"{thing} has no key {reference.key}" if reference.key else f"{thing} does not exist"
    untold = _GONE if as_far_as_known(workload, _GONE) == _GONE else _UNTOLD
    hand = YOUNG if brought else _KEPT if lost else untold
    former_gaps = _former_gaps(workload, back, reference)
    if back is None:
        verdict = Verdict.ACT if lost else Verdict.ESCALATE
        back = WayBack(verdict, (*lost, escalate(workload.ref)), (), hand)
    return Finding(
        target=workload.ref,
        summary=f"{workload.title} cannot start: {lack}, and {who} needs it. {back.words}",
        verdict=back.verdict,
        supporting=(*gap.facts, *((told,) if told else ()), *_edit(workload, reference), *back.facts),
        contradicting=former_gaps,
        remedies=back.remedies,
        places={"pod": gap.pod.name, "object": f"{reference.kind.lower()}/{reference.name}"},
    )


def _lost(workload: Workload, reference: Reference) -> tuple[ActionCall, ...]:
    """The key as it was last applied, where it was taken out of its ConfigMap since."""
    item = workload.scene.get(reference.kind, workload.object.namespace, reference.name)
    if item is None or not reference.key or not recorded(item, reference.key):
        return ()
    return (call("restore_configmap", item.ref, key=reference.key),)


def _brought(workload: Workload, reference: Reference) -> bool:
    """Whether the revision before did not ask for it, and the present one never worked."""
    change = workload.change
    if change is None or not workload.is_history_seen or worked_before(workload):
        return False
    before = references(change.old.template)
    return not any(
        (entry.kind, entry.name) == (reference.kind, reference.name) and reference.key in ("", entry.key)
        for entry in before
    )


def _names(part: Difference, reference: Reference) -> bool:
    """Whether the difference is about that reference."""
    wanted = reference.key or reference.name
    return wanted in str(part.new) or reference.name in str(part.new) or wanted in part.path


def _edit(workload: Workload, reference: Reference) -> tuple[Fact, ...]:
    item = workload.scene.get(reference.kind, workload.object.namespace, reference.name)
    author = last_writer(item, "data") if item else None
    if item is None or author is None:
        return ()
    return (
        facts.change(item, "metadata.managedFields", f"{item.kind} {item.name} was last written {author}", author.at),
    )


def _former_gaps(workload: Workload, back: WayBack | None, reference: Reference) -> tuple[Fact, ...]:
    """What the revision to return to would itself be missing now."""
    if back is None or back.verdict is Verdict.ESCALATE:
        return ()
    number = back.remedies[0].parameters.get("revision")
    former = next((entry for entry in workload.revisions if entry.number == number), None)
    if former is None:
        return ()
    place = workload.object.namespace
    gone = [
        entry
        for entry in references(former.template)
        if (entry.kind, entry.name, entry.key) != (reference.kind, reference.name, reference.key)
        and resolves(workload.scene, entry, place) is False
    ]
    return tuple(
        facts.absence(former.source, entry.path, f"revision {number} needs {entry.kind} {entry.name} {entry.key}, too")
        for entry in gone[:2]
    )
