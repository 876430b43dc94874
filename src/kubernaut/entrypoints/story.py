"""An incident as people read it, put together from its events alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from kubernaut.domain.diagnosis import ActionCall, Diagnosis, Hypothesis
from kubernaut.domain.execution import Applied, Execution, Intent, Preview, Verification
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind, attempt_of
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import Tree
from kubernaut.domain.plans import Plan
from kubernaut.domain.proposals import Proposal
from kubernaut.engine.codec import load
from kubernaut.entrypoints.phrases import phrase, word


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline; `quiet` ones are folded. `took_s` is the time since the last one that is not."""

    at: datetime
    since_alert_s: float
    took_s: float
    word: str
    text: str
    seq: int
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One remedy with what became of it; a `proposed` one was not done, and `compared` is what people did instead."""

    preview: Preview
    refused: str = ""
    applied_at: datetime | None = None
    undoable: bool = False
    number: str = ""
    verification: Verification | None = None
    undone: str = ""
    undone_at: datetime | None = None
    proposed: bool = False
    compared: str = ""

    @property
    def call(self) -> ActionCall:
        """The action with its target."""
        return self.preview.call


@dataclass(frozen=True, slots=True)
class Alike:
    """A finished incident that was recalled."""

    incident: str
    likeness: float
    cause: str
    action: str
    ending: str


@dataclass(frozen=True, slots=True)
class Question:
    """A request for consent that nobody has answered yet; `previews` show each option, the proposal first."""

    preview: Preview
    plan: Plan
    asked_at: datetime
    previews: tuple[Preview, ...] = ()

    @property
    def options(self) -> tuple[Preview, ...]:
        """What may be consented to: the proposal is number 1."""
        return self.previews or (self.preview,)


@dataclass(frozen=True, slots=True)
class Story:
    """All that a page or a terminal shows of one incident."""

    incident: Incident
    events: tuple[Event, ...]
    steps: tuple[Step, ...] = ()
    diagnosis: Diagnosis | None = None
    plan: Plan | None = None
    question: Question | None = None
    attempts: tuple[Attempt, ...] = ()
    alike: tuple[Alike, ...] = ()
    tokens: int = 0
    models_asked: int = 0
    help: str = ""
    answered_by: tuple[str, ...] = ()

    @property
    def cause(self) -> Hypothesis | None:
        """The best hypothesis of the last look."""
        return self.diagnosis.best if self.diagnosis else None

    @property
    def diagnosed_seq(self) -> int:
        """The number of the event that holds the last look; 0 before the first."""
        return max((event.seq for event in self.events if event.kind is EventKind.DIAGNOSED), default=0)

    @property
    def seconds(self) -> float | None:
        """From the alert to the end; None while it is open."""
        closed = self.incident.closed_at
        return (closed - self.incident.started_at).total_seconds() if closed else None

    @property
    def last_applied(self) -> Attempt | None:
        """The remedy that is in force: applied and not taken back."""
        return next((one for one in reversed(self.attempts) if one.applied_at and not one.undone_at), None)

    @property
    def can_undo(self) -> bool:
        """Whether a person may take the last remedy back now."""
        last = self.last_applied
        return last is not None and last.undoable and not self.incident.is_open


# What would drown the story: folded, and shown on request.
QUIET = frozenset(
    {
        EventKind.JOINED,
        EventKind.NOTIFIED,
        EventKind.OBSERVED,
        EventKind.VALUED,
        EventKind.LEARNED,
        EventKind.PREVIEWED,
    }
)


def tell(incident: Incident, events: Iterable[Event]) -> Story:
    """The story of the incident. Events of a kind that is not known here are shown, and change nothing."""
    ordered = sorted(events, key=lambda event: event.seq)
    return replace(summarise(incident, ordered), steps=_steps(incident, ordered))


def summarise(incident: Incident, events: Iterable[Event]) -> Story:
    """The same without the steps, which a row of a list does not show."""
    ordered = sorted(events, key=lambda event: event.seq)
    story = Story(incident, tuple(ordered))
    for event in ordered:
        story = _told(story, event)
    # A question that ran out has no answer: the incident has gone on without.
    return story if incident.phase is Phase.APPROVAL else replace(story, question=None)


def _steps(incident: Incident, events: Sequence[Event]) -> tuple[Step, ...]:
    """In the order of time: an alert is stored with the time it came in, which may be before the last step."""
    steps = []
    before = incident.started_at
    for event in sorted(events, key=lambda event: (event.at, event.seq)):
        quiet = event.kind in QUIET
        since = (event.at - incident.started_at).total_seconds()
        took = max(0.0, (event.at - before).total_seconds())
        steps.append(Step(event.at, since, took, word(event), phrase(event), event.seq, quiet))
        before = before if quiet else event.at
    return tuple(steps)


def _told(story: Story, event: Event) -> Story:
    read = _READERS.get(event.kind)
    return read(story, event) if read else replace(story, attempts=_attempted(story.attempts, event))


def _diagnosed(story: Story, event: Event) -> Story:
    return replace(story, diagnosis=load(Diagnosis, event.body.get("diagnosis")))


def _recalled(story: Story, event: Event) -> Story:
    return replace(story, alike=tuple(_alike(entry) for entry in Tree(event.body).trees("like")))


def _model_asked(story: Story, event: Event) -> Story:
    body = Tree(event.body)
    asked = story.models_asked + body.integer("requests", default=1)
    return replace(story, tokens=story.tokens + body.integer("tokens"), models_asked=asked)


def _planned(story: Story, event: Event) -> Story:
    return replace(story, plan=load(Plan, event.body.get("plan")))


def _asked(story: Story, event: Event) -> Story:
    preview, plan = load(Preview, event.body.get("preview")), load(Plan, event.body.get("plan"))
    previews = load(tuple[Preview, ...], event.body.get("previews") or [])
    return replace(story, plan=plan, question=Question(preview, plan, event.at, previews))


def _answered(story: Story, event: Event) -> Story:
    return replace(story, question=None, answered_by=(*story.answered_by, Tree(event.body).text("by")))


def _closed(story: Story, event: Event) -> Story:
    return replace(story, question=None, help=Tree(event.body).text("help"))


_READERS: Mapping[EventKind, Callable[[Story, Event], Story]] = MappingProxyType(
    {
        EventKind.DIAGNOSED: _diagnosed,
        EventKind.RECALLED: _recalled,
        EventKind.MODEL_ASKED: _model_asked,
        EventKind.PLANNED: _planned,
        EventKind.ASKED: _asked,
        EventKind.APPROVED: _answered,
        EventKind.REJECTED: _answered,
        EventKind.CLOSED: _closed,
    }
)


def _attempted(attempts: tuple[Attempt, ...], event: Event) -> tuple[Attempt, ...]:
    if event.kind is EventKind.INTENDED:
        intent = load(Intent, event.body.get("intent"))
        return (*attempts, Attempt(intent.preview, undoable=intent.can_be_undone, number=attempt_of(event)))
    if event.kind is EventKind.PROPOSED:
        tried = load(Proposal, event.body.get("proposal")).intent
        return attempts if tried is None else (*attempts, Attempt(tried.preview, proposed=True))
    number = attempt_of(event)
    return tuple(_further(each, event) if each.number == number else each for each in attempts)


def _further(attempt: Attempt, event: Event) -> Attempt:
    match event.kind:
        case EventKind.APPLIED:
            return replace(attempt, applied_at=event.at)
        case EventKind.REFUSED:
            return replace(attempt, refused=load(Execution, event.body.get("execution")).reason)
        case EventKind.VERIFIED:
            return replace(attempt, verification=load(Verification, event.body.get("verification")))
        case EventKind.UNDONE:
            return _taken_back(attempt, event)
        case EventKind.COMPARED:
            return replace(attempt, compared=phrase(event))
        case _:
            return attempt


def _taken_back(attempt: Attempt, event: Event) -> Attempt:
    execution = load(Execution, event.body.get("execution"))
    if execution.applied is Applied.REFUSED:
        return replace(attempt, undone=f"could not be taken back: {execution.reason}")
    by = Tree(event.body).text("by")
    words = execution.reason or "back to the object as it was"
    return replace(attempt, undone=words + (f" (asked by {by})" if by else ""), undone_at=event.at)


def _alike(entry: Tree) -> Alike:
    likeness = entry.at("likeness")
    return Alike(
        entry.text("incident"),
        float(likeness) if isinstance(likeness, int | float) else 0.0,
        entry.text("cause"),
        entry.text("action"),
        entry.text("ending"),
    )
