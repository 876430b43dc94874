"""The demo's story in lines: one incident in full, every other one in a line, and the sum at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.execution import Intent, Verification
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Plan
from kubernaut.engine.codec import load
from kubernaut.entrypoints.chapters import Chapter
from kubernaut.entrypoints.doors import Ended
from kubernaut.entrypoints.intervals import median_with_interval
from kubernaut.entrypoints.phrases import call_in_words, phrase, score_in_words, word
from kubernaut.entrypoints.reports import ScenarioResult
from kubernaut.entrypoints.status import Status, Tone, ending_status
from kubernaut.entrypoints.story import QUIET
from kubernaut.entrypoints.terminal.escaping import quoted, visible, without_middle, wrapped
from kubernaut.entrypoints.terminal.incidents import diff_lines
from kubernaut.entrypoints.terminal.look import Look
from kubernaut.entrypoints.units import duration, offset

_TIME = 8
_WORD = 10
_STATUS = 13
_TARGET = 25
_CAUSE = 22
_MOST_FACTS = 3
_OPEN = Status(Tone.BAD, "✗", "[x]", "open")
_NO_INCIDENT = Status(Tone.QUIET, "⊘", "[-]", "no incident")


def opening_lines(version: str, speed: float, page: str, look: Look, *, models: str = "no model") -> list[str]:
    """What is going to be seen, where, and that nothing outside is touched."""
    first = f"Kubernaut {version} · simulated cluster, its clock runs ×{speed:g} · {models}, no network"
    return [look.text(line) for line in (first, f"Watch   {page}    Ctrl-C ends it; nothing outside is touched", "")]


def incident_line(incident: Incident, look: Look) -> str:
    """The head of an incident told in full."""
    return look.text(f"{incident.id}   {visible(incident.alert)}   {visible(str(incident.target))}")


def event_lines(incident: Incident, event: Event, look: Look) -> list[str]:
    """One event of an incident told in full; nothing for what would only make noise here."""
    if event.kind in QUIET:
        return []
    since = offset((event.at - incident.started_at).total_seconds())
    if event.kind is EventKind.CLOSED and incident.ending:
        return _closed(incident, since, look)
    indent = " " * (_TIME + _WORD + 3)
    first = f"{since:>{_TIME}}  {word(event):<{_WORD}} "
    lines = wrapped(quoted(_short_phrase(event)), look.width, indent=indent, first=first)
    return [look.text(line) for line in [*lines, *_details(event, look, indent)]]


def _closed(incident: Incident, since: str, look: Look) -> list[str]:
    assert incident.ending is not None  # noqa: S101  # only asked for closed ones
    head = f"  {look.words(ending_status(incident.ending))} after {since.strip()}"
    reason = wrapped(visible(incident.reason), look.width, indent="    ") if incident.reason else []
    return [look.text(line) for line in [head, *reason, ""]]


def _short_phrase(event: Event) -> str:
    match event.kind:
        case EventKind.PLANNED:
            plan = load(Plan, event.body.get("plan"))
            return call_in_words(plan.chosen.call) if plan.chosen else plan.reason
        case EventKind.INTENDED:
            return "dry run first · the object as it was is kept · undo ready"
        case EventKind.VERIFIED:
            return score_in_words(load(Verification, event.body.get("verification")))
        case EventKind.RECEIVED:
            return f"{phrase(event)} · stored, then answered"
        case _:
            return phrase(event)


def _details(event: Event, look: Look, indent: str) -> list[str]:
    match event.kind:
        case EventKind.DIAGNOSED:
            return _facts(load(Diagnosis, event.body.get("diagnosis")), look, indent)
        case EventKind.INTENDED:
            return diff_lines(load(Intent, event.body.get("intent")).preview.diff, look, indent=indent)
        case _:
            return []


def _facts(diagnosis: Diagnosis, look: Look, indent: str) -> list[str]:
    if diagnosis.best is None:
        return []
    cited = diagnosis.cited(diagnosis.best)
    lines = []
    for fact in cited[:_MOST_FACTS]:
        first = f"{indent}{fact.id}  "
        lines += wrapped(quoted(fact.text), look.width, indent=" " * len(first), first=first)
    more = len(cited) - _MOST_FACTS
    return lines + ([f"{indent}{more} more on the page"] if more > 0 else [])


def result_line(ended: Ended, look: Look) -> str:
    """One scenario in a line: outcome, object, cause, time."""
    result = ended.result
    status = _status(result.outcome)
    icon = status.icon if look.unicode else status.ascii_icon
    outcome = look.paint(status.tone, icon) + " " + look.paint(status.tone, f"{status.word:<{_STATUS}}")
    target = without_middle(_kubectl_short(visible(result.target)), None if look.width is None else _TARGET)
    took = duration(result.time_to_resolution) if result.time_to_resolution is not None else ""
    parts = [f"  {outcome} {target:<{_TARGET}}", f"{result.cause or 'nothing to do':<{_CAUSE}}", f"{took:>7}"]
    if ended.undone:
        parts.append(f"↶ {ended.undone} undone")
    if result.control:
        parts.append("control")
    if not result.passed:
        parts.append(look.paint(Tone.BAD, "wrong"))
    return look.text(" ".join(parts).rstrip())


def _kubectl_short(target: str) -> str:
    """With the short names that kubectl takes, so that a line holds the name of the object too."""
    for kind, short in (("deployment", "deploy"), ("statefulset", "sts"), ("daemonset", "ds"), ("service", "svc")):
        target = target.replace(f"/{kind}/", f"/{short}/")
    return target


_WORDS: Mapping[str, Status] = MappingProxyType({"open": _OPEN, "no_incident": _NO_INCIDENT, "untouched": _NO_INCIDENT})


def _status(outcome: str) -> Status:
    if outcome in _WORDS:
        return _WORDS[outcome]
    return ending_status(Ending(outcome)) if outcome in set(Ending) else Status(Tone.QUIET, "⊘", "[-]", outcome)


def chapter_lines(chapter: Chapter, look: Look) -> list[str]:
    """A chapter under its heading."""
    lines = ["", *wrapped(visible(chapter.title), look.width)]
    for each in chapter.lines:
        lines += wrapped(visible(each), look.width, indent="    ", first="  ")
    return [look.text(line) for line in lines]


def closing_lines(results: Sequence[ScenarioResult], undone: int, look: Look, *, page: str, stays: bool) -> list[str]:
    """The sum: how many ended as they had to, and how long it took, with its interval."""
    right = sum(result.passed for result in results)
    counts = Counter(_status(result.outcome).word for result in results)
    parts = [f"{number} {name}" for name, number in counts.most_common()]
    undo = f" · {undone} taken back on the way" if undone else ""
    lines = ["", *wrapped(f"{right} of {len(results)} ended rightly: {' · '.join(parts)}{undo}", look.width)]
    times = [r.time_to_resolution for r in results if r.outcome == Ending.HEALED and r.time_to_resolution is not None]
    if times:
        lines += wrapped(f"Time to resolution {median_with_interval(times)}, simulated time", look.width)
    lines += [_wrong(result) for result in results if not result.passed]
    if stays:
        lines.append(f"Page stays up: {page}           Next: kubernaut diagnose")
    return [look.text(line) for line in lines]


def _wrong(result: ScenarioResult) -> str:
    """What was wrong: the ending, or, with the right ending, the cause or what is left in the cluster."""
    if result.outcome in result.expected.split("|"):
        return f"{result.name}: ended {result.outcome} as expected, but with another cause or state than it has to"
    return f"{result.name}: expected {result.expected.replace('|', ' or ')}, ended {result.outcome}"
