"""What the demo tells after its scenarios: models, learning, value and readiness, each from what was stored."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Tree
from kubernaut.entrypoints.units import counted, duration
from kubernaut.entrypoints.value.summary import Summary, summary_lines


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading and what stands under it."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deciding:
    """How the cause of one incident was found: `seconds` are real ones."""

    seconds: float
    tokens: int
    by: str


def models_chapter(asked: Sequence[Event], *, decided: int, opened: int) -> Chapter:
    """Who answered, who died, and how long the switch took; `asked` are the `model_asked` events."""
    bodies = [Tree(event.body) for event in asked]
    answers = Counter(body.text("provider") for body in bodies if body.flag("ok") and not body.flag("kept"))
    calls = [call for body in bodies for call in body.trees("calls")]
    failed = Counter(call.text("provider") for call in calls if call.text("failure"))
    # Whoever was asked first took no switch.
    switches = [pause for call in calls if (pause := call.number("switch_s"))]
    lines = [f"{name} answered {counted(count, 'time')}" for name, count in sorted(answers.items())]
    lines += [f"{name} failed {counted(count, 'time')} and was passed over" for name, count in sorted(failed.items())]
    if switches:
        took = f"{1000 * statistics.median(switches):.0f} ms"
        lines.append(f"the switch to the next one took {took}, median (n = {len(switches)}), real time")
    lines.append(f"{decided} of {opened} incidents decided, whoever was alive")
    return Chapter("MODELS (stand-ins on this machine: they answer what the rules suspect)", tuple(lines))


def deciding(events: Sequence[Event], *, speed: float) -> Deciding | None:
    """What the first look took, by the clock that runs `speed` times; None where there was none."""
    found = next((event for event in events if event.kind is EventKind.DIAGNOSED), None)
    if found is None:
        return None
    body = Tree(found.body)
    asked = [Tree(event.body) for event in events if event.kind is EventKind.MODEL_ASKED and event.seq < found.seq]
    answered = any(one.flag("ok") and not one.flag("kept") for one in asked)
    by = "a model" if answered else body.text("diagnosis", "decided_by") or "rules"
    return Deciding(body.number("took_s") / speed, sum(one.integer("tokens") for one in asked), by)


def learning_chapter(pairs: Mapping[str, tuple[Deciding | None, Deciding | None]]) -> Chapter:
    """The same fault twice, each with the time that finding its cause took as it was measured."""
    lines = []
    for name, (first, second) in pairs.items():
        if first is None or second is None:
            lines.append(f"{name}: not measured, one of the two was not looked at")
            continue
        both = f"the first time in {_found(first)}, the second time in {_found(second)}"
        lines.append(f"{name}: the cause was found {both}")
    title = "LEARNING (real time, with all that ran beside it)"
    return Chapter(title, tuple(lines or ["nothing came twice"]))


def _found(one: Deciding) -> str:
    return f"{duration(one.seconds)} by {one.by} ({one.tokens} tokens)"


def value_chapter(summary: Summary, *, recorded: int, page: str) -> Chapter:
    """What the month was worth, the recorded days and those just seen."""
    live = summary.report.incidents - recorded
    lines = (
        f"{recorded} incidents of a recorded month (the simulated cluster, every day afresh) and {live} just now",
        *summary_lines(summary),
        "Assumed for this demo: 25 to 70 min by hand, USD 70 an hour, USD 690 a month to run it, models for nothing",
        f"kubernaut value report --since 30d --server {page.rstrip('/')}",
    )
    return Chapter("VALUE, simulated", lines)


def by_incident(events: Sequence[Event]) -> dict[IncidentId, list[Event]]:
    """The events of each incident, in their order."""
    own: dict[IncidentId, list[Event]] = {}
    for event in events:
        own.setdefault(event.incident, []).append(event)
    return own
