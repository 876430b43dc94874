"""What the containers of a workload in trouble complain about, in their logs and in the runtime's messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kubernaut.domain.diagnosis import Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.condition import is_under_way
from kubernaut.investigation.containers import Container
from kubernaut.investigation.crashes import crash_in, crashed
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Finding
from kubernaut.investigation.origin import Relevant
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.untold import as_far_as_known


@dataclass(frozen=True, slots=True)
class Complaint:
    """One container with the words that decide, and where they stand."""

    container: Container
    text: str
    fact: Fact
    match: re.Match[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """How complaints of one form are told; `{0}` in `words` is the container, `{1}` what it said."""

    form: re.Pattern[str]
    words: str
    otherwise: str
    verdict: Verdict = Verdict.ACT
    relevant: Relevant = lambda _: True


def complaints(workload: Workload, form: re.Pattern[str], among: list[Container]) -> Iterator[Complaint]:
    """The complaints of that form: what the runtime says of a start first, then the decisive lines of the logs."""
    for container in among:
        for text, fact in _messages(container):
            if match := form.search(text):
                yield Complaint(container, text, fact, match)
    for container in among:
        for line in workload.scene.log_of(container.pod, container.name):
            if match := form.search(line.text[:4000]):
                yield Complaint(container, line.text, facts.log(line), match)


def not_started(workload: Workload, form: re.Pattern[str], code: int, *, words: str, otherwise: str) -> Finding | None:
    """The finding of a program that does not start, by the runtime's words or by the code that a shell ends with.

    A log that merely says so proves nothing: what runs can complain of other programs.
    """
    failing = crashed(workload)
    said = next(complaints(workload, form, failing), None)
    chosen = said.container if said else next((entry for entry in failing if entry.exit_code == code), None)
    if chosen is None or (said is not None and said.fact.ref.startswith("log") and chosen.exit_code != code):
        return None
    detail = f" ({quoted(said.text, 160)})" if said else f" (exit code {code})"
    story = Story(f"{chosen.label} {words}{detail}", otherwise, (said.fact,) if said else ())
    return told(workload, crash_in(workload, chosen), story)


def _messages(container: Container) -> Iterator[tuple[str, Fact]]:
    if container.message:
        words = f"{container.waiting}: {container.message}"
        yield container.message, facts.field(container.pod, container.waiting_path, words)
    ended = container.ended
    if ended is not None and ended.text("message"):
        text = ended.text("message")
        yield text, facts.field(container.pod, container.ended_path, f"{ended.text('reason')}: {text}")


def failing(workload: Workload) -> list[Container]:
    """The containers whose words count as a complaint: crashed ones first, and ones not ready that had time to be."""
    return [*crashed(workload), *([] if is_under_way(workload) else unready(workload))]


def unready(workload: Workload) -> list[Container]:
    """The containers that run and are not ready."""
    return [entry for entry in workload.containers if entry.is_running and not entry.is_ready]


def complained(workload: Workload, reading: Reading) -> Finding | None:
    """The finding where a crashing container says so; else where one that runs without being ready does."""
    for found in complaints(workload, reading.form, crashed(workload)):
        crash = crash_in(workload, found.container)
        story = Story(_words(reading, found), reading.otherwise, (found.fact,), reading.verdict, reading.relevant)
        return told(workload, crash, story)
    hint = next(complaints(workload, reading.form, unready(workload)), None)
    return _only_told(workload, reading, hint) if hint and not is_under_way(workload) else None


def _words(reading: Reading, found: Complaint) -> str:
    return reading.words.format(found.container.label, quoted(found.text, 160))


def _only_told(workload: Workload, reading: Reading, found: Complaint) -> Finding:
    """What a container that does not end says is no more than a hint for people."""
    container = found.container
    text = f"{container.label} runs and is not ready"
    state = facts.field(container.pod, f"status.{container.status_list}[{container.name}]", text)
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {_words(reading, found)}. {as_far_as_known(workload, reading.otherwise)}",
        verdict=Verdict.ESCALATE,
        supporting=(found.fact, state),
        remedies=(escalate(workload.ref),),
        places={"pod": container.pod.name, "container": container.name},
    )
