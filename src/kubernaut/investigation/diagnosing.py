"""From a Scene to hypotheses with numbered evidence, best first. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kubernaut.domain.diagnosis import CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.causes import catalogue
from kubernaut.investigation.condition import recent_warnings, serves_fully
from kubernaut.investigation.confidence import confidence, coverage, independent_sources
from kubernaut.investigation.dependencies import broken_dependencies
from kubernaut.investigation.facts import Fact, log
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.hearsay import NO_TICKET, Ticket, said_about, said_by
from kubernaut.investigation.platform import failing_agents, failing_sources
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.scene import TOP_LEVEL, Scene
from kubernaut.investigation.subjects import Node, Other, Service, Workload
from kubernaut.investigation.things import SURVEYED, THINGS, Thing

Subject = Workload | Service | Node | Thing | Other

_SETTLED = frozenset(cause.id for cause in catalogue() if cause.role is Role.SETTLED)
_FAULTY = frozenset({Role.FAULT, Role.OUTLINE})
_SOURCES_TO_ACT = 2
UNKNOWN = CauseId("unknown")
_CLOSE = 0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A finding with its cause and its computed confidence."""

    cause: Cause
    finding: Finding
    confidence: float
    subject: ObjectRef


def diagnose(scene: Scene, target: ObjectRef) -> Diagnosis:
    """The hypotheses about one object, those of the object that makes it suffer first."""
    item = scene.find(target)
    if item is None:
        return _not_found(scene, target)
    if item.kind in {"Pod", "ReplicaSet", "Job"}:
        item = scene.top_of(item)
    search = Search(scene)
    return diagnosis_of(scene, item.ref, search.candidates(item) or search.last_word(item))


def _not_found(scene: Scene, target: ObjectRef) -> Diagnosis:
    """No hypothesis where the object is proven to be gone; where it could not be read, a person has to look."""
    title = quoted(f"{target.kind} {target.name}")
    if scene.covers(target.kind, target.namespace, target.name):
        text = f"there is no {title}"
        gone = Evidence(EvidenceId("e1"), EvidenceSource.ABSENCE, target, "list", text)
        return Diagnosis(target, (), (gone,), scene.not_read)
    unread = Hypothesis(
        cause=CauseId("unknown"),
        target=target,
        confidence=0.0,
        verdict=Verdict.ESCALATE,
        summary=f"{title} could not be read, so nothing is known about it.",
        supporting=(),
        remedies=(escalate(target),),
    )
    return Diagnosis(target, (unread,), (), scene.not_read)


def survey(scene: Scene, asked_about: Sequence[ObjectRef] = (), ticket: Ticket = NO_TICKET) -> list[Diagnosis]:
    """One diagnosis for each fault in what was read, the one that explains most first; empty where nothing is wrong.

    An object that only suffers from another one's fault has no diagnosis of its own. Objects that somebody asked about
    are examined whatever their kind, and what is found of them comes first.
    """
    ticket.tell(scene)
    search = Search(scene)
    found: dict[tuple[CauseId, ObjectRef], Diagnosis] = {}
    victims: dict[tuple[CauseId, ObjectRef], int] = {}
    asked = {scene.top_of(item).ref: item for ref in asked_about if (item := scene.find(ref)) is not None}
    suspects = {item.ref: item for item in (*_subjects(scene), *map(scene.top_of, asked.values()))}
    for item in suspects.values():
        candidates = search.candidates(item)
        if not candidates or candidates[0].cause.id in _SETTLED:
            continue
        best = candidates[0]
        key = (best.cause.id, best.finding.target)
        victims[key] = victims.get(key, 0) + 1
        own = best.finding.target == item.ref
        if key not in found or own:
            found[key] = diagnosis_of(scene, item.ref if own else best.subject, candidates)

    explained = {key[1].namespace for key in found if key[0] != UNKNOWN}

    def rank(key: tuple[CauseId, ObjectRef]) -> tuple[bool, bool, int, float, str]:
        told = found[key]
        is_asked = key[1] in asked or told.target in asked
        # What is known to be wrong there, or in the whole cluster, may be why the other is.
        is_symptom = key[0] == UNKNOWN and bool({key[1].namespace, ""} & explained)
        return is_symptom, not is_asked, -victims[key], -(told.best or NO_HYPOTHESIS).confidence, str(key[1])

    return [found[key] for key in sorted(found, key=rank)]


def _subjects(scene: Scene) -> Iterator[KubeObject]:
    """What can be at fault: nodes, workloads that nothing else controls, Services."""
    yield from scene.all("Node")
    seen: set[ObjectRef] = set()
    for kind in TOP_LEVEL:
        for item in scene.all(kind):
            if scene.top_of(item).ref == item.ref and item.ref not in seen:
                seen.add(item.ref)
                yield item
    for kind in ("Service", *SURVEYED):
        yield from scene.all(kind)


class Search:
    """One pass over a scene; every subject is examined once, however often others lead to it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._known: dict[ObjectRef, list[Candidate]] = {}

    def candidates(self, item: KubeObject) -> list[Candidate]:
        """The candidates for an object, best first."""
        if item.ref not in self._known:
            self._known[item.ref] = []  # two objects that depend on each other end here
            self._known[item.ref] = self._examined(item)
        return self._known[item.ref]

    def last_word(self, item: KubeObject) -> list[Candidate]:
        """What warnings say about an object that no cause explains, where there are any."""
        return self._asked(Other(self.scene, item), Role.LAST) if recent_warnings(self.scene, [item]) else []

    def _examined(self, item: KubeObject) -> list[Candidate]:
        subject = _subject(self.scene, item)
        faults = self._asked(subject, Role.FAULT)
        if isinstance(subject, Service) and not faults and not serves_fully(subject):
            faults = self._upstream(subject.workloads)
        if isinstance(subject, Thing):
            return self._with_upstream(failing_sources(subject), faults) or self._upstream(subject.workloads)
        if isinstance(subject, Workload):
            faults = self._with_dependencies(subject, faults)
        faults = faults or self._asked(subject, Role.OUTLINE)
        return faults or self._asked(subject, Role.SETTLED)[:1] or self._asked(subject, Role.LAST)

    def _asked(self, subject: Subject, role: Role) -> list[Candidate]:
        found, item = [], subject.object
        place = item.name if item.kind == "Namespace" else item.namespace
        for cause in catalogue():
            if cause.role is role and (finding := _examine(cause, subject)):
                sure = confidence(self.scene, cause, finding, place)
                found.append(Candidate(cause, finding, sure, subject.object.ref))
        order = {"intended_state": 0, "rollout_in_progress": 1} if role is Role.SETTLED else {}
        return sorted(
            _narrowed(found), key=lambda entry: (order.get(entry.cause.id, 2), -entry.confidence, entry.cause.id)
        )

    def _upstream(self, items: Iterable[KubeObject]) -> list[Candidate]:
        """The faults of the objects that this one gets its health from."""
        found = [entry for item in items for entry in self.candidates(item) if entry.cause.role in _FAULTY]
        return sorted(found, key=lambda entry: -entry.confidence)

    def _with_dependencies(self, workload: Workload, faults: list[Candidate]) -> list[Candidate]:
        """The faults of a dependency before those that may follow from it.

        Only for a workload that did not fail by a change of its own, and is linked to the broken Service by its own
        configuration or its log.
        """
        if agents := failing_agents(workload):
            return self._with_upstream(agents, faults)
        explained = [entry for entry in faults if not (entry.cause.is_symptom or entry.finding.is_symptom)]
        if explained or not _suffers(workload):
            return faults
        upstream = [
            self._with_words(entry, broken)
            for broken in broken_dependencies(workload)
            for entry in self.candidates(broken)
            if entry.cause.role in _FAULTY
        ]
        if not upstream:
            return faults
        return [*sorted(upstream, key=lambda entry: -entry.confidence), *map(_second, faults)]

    def _with_upstream(self, items: Sequence[KubeObject], faults: list[Candidate]) -> list[Candidate]:
        """The faults of the cluster's own parts that it waits for, where there are any, before its own.

        An alert about something else is no reason to touch these at once.
        """
        upstream = [_softer(entry) for entry in self._upstream(items)]
        return [*upstream, *map(_second, faults)] if upstream else faults

    def _with_words(self, entry: Candidate, broken: KubeObject) -> Candidate:
        """The finding about a dependency with what its callers are quoted with."""
        lines = said_about(self.scene, broken.name, broken.namespace)[:1]
        told = tuple(fact for line in lines if (fact := log(line)) not in entry.finding.supporting)
        return replace(entry, finding=replace(entry.finding, supporting=(*entry.finding.supporting, *told)))


def _narrowed(found: list[Candidate]) -> list[Candidate]:
    """The candidates without the wider causes that a narrower one about the same container states more exactly."""
    return [entry for entry in found if not any(_narrows(other, entry) for other in found)]


def _narrows(exact: Candidate, wide: Candidate) -> bool:
    if wide.cause.id not in exact.cause.narrows:
        return False
    # What is wrong elsewhere narrows what one and the same pod says of it.
    pod = exact.finding.places.get("pod")
    if exact.finding.target != wide.finding.target and (not pod or pod != wide.finding.places.get("pod")):
        return False
    container = exact.finding.places.get("container", "")
    return wide.finding.places.get("container", "") in ("", container) or not container


def _second(entry: Candidate) -> Candidate:
    """A symptom beside the cause that explains it: half as likely to be the cause itself, and not acted on."""
    return replace(_softer(entry), confidence=entry.confidence / 2)


def _softer(entry: Candidate) -> Candidate:
    """The same, to be asked about in place of being acted on at once."""
    if entry.finding.verdict is not Verdict.ACT:
        return entry
    return replace(entry, finding=replace(entry.finding, verdict=Verdict.APPROVE))


def _suffers(workload: Workload) -> bool:
    is_short = workload.ready < max(workload.desired, 1) or bool(workload.crashing)
    return is_short or bool(said_by(workload.scene, workload.object))


def _subject(scene: Scene, item: KubeObject) -> Subject:
    if item.kind in TOP_LEVEL:
        return Workload(scene, item)
    if item.kind == "Service":
        return Service(scene, item)
    if item.kind in THINGS:
        return Thing(scene, item)
    return Node(scene, item) if item.kind == "Node" else Other(scene, item)


def _examine(cause: Cause, subject: Subject) -> Finding | None:
    match subject:
        case Workload():
            return cause.workload(subject) if cause.workload else None
        case Service():
            return cause.service(subject) if cause.service else None
        case Node():
            return cause.node(subject) if cause.node else None
        case Thing():
            return cause.thing(subject) if cause.thing else None
        case Other():
            return cause.other(subject) if cause.other else None


def _verdict(scene: Scene, entry: Candidate, others: list[Candidate]) -> Verdict:
    """The finding's verdict; `act` only when all it needs was read, sources agree and nothing speaks against it."""
    verdict = entry.finding.verdict
    if verdict is not Verdict.ACT:
        return verdict
    namespace = entry.finding.target.namespace or entry.subject.namespace
    rivals = [
        other
        for other in others
        if other.confidence >= entry.confidence - _CLOSE and other.finding.remedies[:1] != entry.finding.remedies[:1]
    ]
    sure = (
        coverage(scene, entry.cause, namespace) == 1.0
        and not entry.finding.contradicting
        and independent_sources(entry.finding) >= _SOURCES_TO_ACT
        and not rivals
    )
    return Verdict.ACT if sure else Verdict.APPROVE


def diagnosis_of(scene: Scene, target: ObjectRef, candidates: list[Candidate]) -> Diagnosis:
    """The candidates as hypotheses, in their order, with the facts that they cite numbered."""
    numbers: dict[Fact, EvidenceId] = {}
    hypotheses = []
    for entry in candidates:
        others = [other for other in candidates if other is not entry]
        finding = entry.finding
        hypotheses.append(
            Hypothesis(
                cause=entry.cause.id,
                target=finding.target,
                confidence=entry.confidence,
                verdict=_verdict(scene, entry, others),
                summary=quoted(finding.summary, 600),
                supporting=_numbered(numbers, finding.supporting),
                contradicting=_numbered(numbers, finding.contradicting),
                remedies=finding.remedies,
                by_hand=_by_hand(entry),
            )
        )
    evidence = tuple(
        Evidence(number, fact.source, fact.object, fact.ref, fact.text, fact.at) for fact, number in numbers.items()
    )
    return Diagnosis(target, tuple(hypotheses), evidence, scene.not_read)


def _numbered(numbers: dict[Fact, EvidenceId], told: tuple[Fact, ...]) -> tuple[EvidenceId, ...]:
    for fact in told:
        numbers.setdefault(fact, EvidenceId(f"e{len(numbers) + 1}"))
    return tuple(dict.fromkeys(numbers[fact] for fact in told))


def _by_hand(entry: Candidate) -> tuple[str, ...]:
    """The cause's commands with the names filled in, quoted for a shell."""
    target = entry.finding.target
    places = {
        "namespace": target.namespace or entry.subject.namespace or "default",
        "kind": target.kind.lower(),
        "name": target.name,
        "pod": "POD",
        "container": "CONTAINER",
        "node": "NODE",
        "object": "OBJECT",
        **entry.finding.places,
    }
    safe = {key: shlex.quote(quoted(value)) for key, value in places.items()}
    # Without `-c`, kubectl takes the first container: right where a table of pods did not name it.
    return tuple(command.format_map(safe).replace(" -c ''", "") for command in entry.cause.by_hand)


NO_HYPOTHESIS = Hypothesis(catalogue()[0].id, ObjectRef("", "", "", ""), 0.0, Verdict.DECLINE, "", ())
