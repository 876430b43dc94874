"""What `kubernaut incidents` prints: the table, the story of one, and the question before a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kubernaut.domain.plans import Candidate
from kubernaut.entrypoints.phrases import call_in_words, score_in_words
from kubernaut.entrypoints.status import Tone, status_of
from kubernaut.entrypoints.story import Attempt, Story
from kubernaut.entrypoints.terminal.diagnoses import facts
from kubernaut.entrypoints.terminal.escaping import quoted, visible, without_middle, wrapped
from kubernaut.entrypoints.terminal.look import Look, aligned
from kubernaut.entrypoints.units import age, counted, duration, moment, offset

_LABEL = 10
_NARROW_TARGET = 34


def list_lines(stories: Sequence[Story], total: int, look: Look, *, now: datetime) -> list[str]:
    """The table, and under it how many there are and which command is next."""
    if not stories:
        return ["No incident yet. Try one: kubernaut demo"] if not total else ["No incident matches."]
    rows = [["ID", "STATUS", "AGE", "TARGET", "CAUSE"]]
    rows += [_row(story, look, now) for story in stories]
    lines = [*aligned(rows), ""] if look.width is None else aligned(rows)
    waiting = [story for story in stories if story.question]
    count = f"{len(stories)} of {counted(total, 'incident')}"
    if waiting:
        count += f" · {len(waiting)} need{'s' * (len(waiting) == 1)} you: "
        count += f"kubernaut incidents approve {waiting[0].incident.id}"
    return [look.text(line) for line in [*lines, count]]


def _row(story: Story, look: Look, now: datetime) -> list[str]:
    incident = story.incident
    took = f" {duration(story.seconds)}" if story.seconds is not None and not story.incident.is_open else ""
    target = visible(str(incident.target))
    if look.width is not None:
        target = without_middle(target, _NARROW_TARGET)
    since = age((now - incident.started_at).total_seconds())
    cause = story.cause.cause if story.cause else "–"  # the sign for none
    return [incident.id, look.words(status_of(incident), took), since, target, cause]


def story_lines(story: Story, look: Look, *, now: datetime, everything: bool = False, page: str = "") -> list[str]:
    """The story of one incident: the verdict, why, when, what changed, whether it helped, and what it cost."""
    lines = [*_headline(story, look), *_summary(story, look), ""]
    lines += [*_cause(story, look), *_timeline(story, look, now, everything=everything)]
    for attempt in story.attempts:
        lines += _change(attempt, look)
    lines.append(_labelled("COST", cost_in_words(story)))
    if story.can_undo:
        lines.append(f"Undo: kubernaut incidents undo {story.incident.id}")
    if story.question:
        lines.append(f"Answer: kubernaut incidents approve {story.incident.id}")
    if story.help:
        lines.append(f"Next: {visible(story.help)}")
    if page:
        lines.append(f"Page: {page}")
    return [look.text(line) for line in lines]


def _labelled(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}"


def _headline(story: Story, look: Look) -> list[str]:
    incident = story.incident
    took = f" in {duration(story.seconds)}" if story.seconds is not None else ""
    alerts = f" ×{incident.signals}" if incident.signals > 1 else ""
    status = look.words(status_of(incident), took)
    return [f"{incident.id}  {status}   {visible(incident.alert)}{alerts}   {visible(str(incident.target))}"]


def _summary(story: Story, look: Look) -> list[str]:
    lines = []
    if story.cause:
        lines += wrapped(visible(story.cause.summary), look.width)
    if story.incident.reason:
        lines += wrapped(visible(story.incident.reason), look.width)
    return lines or ["It has not been looked at yet."]


def _cause(story: Story, look: Look) -> list[str]:
    if story.diagnosis is None or story.cause is None:
        return []
    by = story.diagnosis.decided_by
    head = f"{story.cause.cause} {story.cause.confidence:.2f} · decided by {visible(by)}"
    like = f" · {counted(len(story.alike), 'incident')} alike" if story.alike else ""
    lines = [_labelled("CAUSE", head + like)]
    lines += facts(story.diagnosis.cited(story.cause), look, indent="  ")
    for gap in story.diagnosis.not_read:
        lines += wrapped(f"not read: {visible(gap.what)} ({visible(gap.why)})", look.width, indent="  ")
    return lines


def _timeline(story: Story, look: Look, now: datetime, *, everything: bool) -> list[str]:
    shown = [step for step in story.steps if everything or not step.quiet]
    lines = [_labelled("TIMELINE", "since alert")]
    width = max((len(step.word) for step in shown), default=0)
    for step in shown:
        first = f"  {moment(step.at, today=now)}  {offset(step.since_alert_s):>8}  {step.word:<{width}}  "
        lines += wrapped(quoted(step.text), look.width, indent=" " * len(first), first=first)
    hidden = len(story.steps) - len(shown)
    return lines + ([f"  {hidden} more: --all"] if hidden else [])


def _change(attempt: Attempt, look: Look) -> list[str]:
    target = visible(str(attempt.call.target))
    what = f"{call_in_words(attempt.call)} · {target} · {visible(attempt.preview.reach)}"
    label = "PROPOSED" if attempt.proposed else "CHANGE"
    lines = wrapped(what, look.width, indent=" " * _LABEL, first=_labelled(label, ""))
    lines += diff_lines(attempt.preview.diff, look, indent="  ")
    if attempt.refused:
        lines += wrapped(visible(attempt.refused), look.width, indent=" " * _LABEL, first=_labelled("REFUSED", ""))
    if attempt.verification:
        proof = f"{attempt.verification.effect.value} · {score_in_words(attempt.verification)}"
        lines += wrapped(visible(proof), look.width, indent=" " * _LABEL, first=_labelled("VERIFIED", ""))
    if attempt.compared:
        lines += wrapped(visible(attempt.compared), look.width, indent=" " * _LABEL, first=_labelled("PEOPLE", ""))
    if attempt.undone:
        lines += wrapped(visible(attempt.undone), look.width, indent=" " * _LABEL, first=_labelled("UNDONE", ""))
    return lines


def diff_lines(diff: Sequence[str], look: Look, *, indent: str) -> list[str]:
    """The lines of a diff; the sign leads, the colour only follows it."""
    tones = {"-": Tone.BAD, "+": Tone.GOOD}
    lines = []
    for raw in diff:
        line = visible(raw)
        lines.append(indent + (look.paint(tones[line[0]], line) if line[:1] in tones else line))
    return lines


def cost_in_words(story: Story) -> str:
    """What the incident took: tokens, questions to models."""
    if not story.models_asked:
        return "0 tokens · no model was asked"
    return f"{counted(story.tokens, 'token')} · {counted(story.models_asked, 'request')} to models"


def question_lines(story: Story, look: Look, *, now: datetime, choice: int = 1) -> list[str]:
    """What a person is asked to allow: cause, the exact change of the option, its reach, and the remedy's record."""
    question = story.question
    if question is None:
        return []
    preview = question.options[choice - 1]
    waiting = f"waiting {age((now - question.asked_at).total_seconds())}"
    incident = story.incident
    lines = [f"{incident.id}  {look.words(status_of(incident))}  {waiting}   {visible(str(incident.target))}"]
    if story.cause:
        text = f"{story.cause.cause} {story.cause.confidence:.2f}: {visible(story.cause.summary)}"
        lines += wrapped(text, look.width, indent=" " * _LABEL, first=_labelled("Cause", ""))
    lines.append(_labelled("Do", call_in_words(preview.call)))
    lines += diff_lines(preview.diff, look, indent=" " * _LABEL)
    lines.append(_labelled("Touches", visible(preview.reach)))
    for warning in preview.warnings:
        lines += wrapped(visible(warning), look.width, indent=" " * _LABEL, first=_labelled("Warns", ""))
    lines += wrapped(visible(question.plan.reason), look.width, indent=" " * _LABEL, first=_labelled("Asked", ""))
    chosen = next((each for each in question.plan.options if each.call == preview.call), None)
    if chosen:
        lines.append(_labelled("Record", _record(chosen)))
    if question.plan.approvers:
        lines.append(_labelled("May", visible(", ".join(question.plan.approvers))))
    if question.plan.expires_at:
        left = (question.plan.expires_at - now).total_seconds()
        lines.append(_labelled("Expires", f"in {age(left)}, then it escalates" if left > 0 else "it escalates now"))
    if instead := _instead(question.plan.options, choice):
        lines += wrapped(instead, look.width, indent=" " * _LABEL, first=_labelled("Instead", ""))
    return [look.text(line) for line in lines]


def _instead(options: Sequence[Candidate], choice: int) -> str:
    others = [(number, each) for number, each in enumerate(options, 1) if number != choice]
    return " · ".join(f"{number} {call_in_words(each.call)} ({_record(each)})" for number, each in others)


def _record(candidate: Candidate) -> str:
    return f"healed {candidate.healed} of {candidate.tried} here" if candidate.tried else "never tried here"
