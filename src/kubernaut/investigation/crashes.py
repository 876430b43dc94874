"""What a crash looks like, and whether a change brought it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.configuration import edits, is_missing_reference
from kubernaut.investigation.containers import START_PROBLEMS, Container, crashing_since
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.probes import probe_kill
from kubernaut.investigation.proving import worked_before
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import TemplateChange, Workload

_EPOCH = 1970
_SOON = timedelta(minutes=15)
_SAME_DAY = timedelta(hours=6)
# Times of the template and of the crash come from different clocks.
_SLACK = timedelta(seconds=90)
_CODES = {
    1: "exits with code 1",
    2: "exits with code 2 (wrong use)",
    126: "exits with code 126 (command cannot be executed)",
    127: "exits with code 127 (command not found)",
    128: "cannot be started",
    134: "aborts (code 134)",
    137: "was killed (code 137, not for its memory)",
    139: "crashes with a segmentation fault (code 139)",
    143: "was terminated (code 143)",
}


class Link(StrEnum):
    """How a series of crashes and the last template change go together in time."""

    FOLLOWS = "follows"
    LATER = "later"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Crash:
    """One failing container that stands for the workload."""

    container: Container
    since: datetime | None
    words: str
    facts: tuple[Fact, ...]


def crash_of(workload: Workload) -> Crash | None:
    """The crash that stands for the workload: not one by its memory limit, nor one by a missing reference."""
    found = crashed(workload)
    # The container with the most to say: a log, else the longest series.
    chosen = max(found, key=lambda entry: (bool(_log(workload, entry)), entry.restarts, entry.pod.name), default=None)
    return crash_in(workload, chosen) if chosen else None


def crashed(workload: Workload) -> list[Container]:
    """The containers that fail by themselves: not by their memory limit, nor by a missing reference.

    Of one whose end nobody saw, as in a pasted table, nothing is claimed where a sibling's end tells of its limit.
    """
    short = any(container.is_out_of_memory for container in workload.crashing)
    return [
        container
        for container in workload.crashing
        if not container.is_out_of_memory and not is_missing_reference(container) and not (short and _unseen(container))
    ]


def _unseen(container: Container) -> bool:
    return container.waiting == "CrashLoopBackOff" and container.ended is None


def crash_in(workload: Workload, chosen: Container) -> Crash:
    """The crash of that container, which stands for all of them; it began with the first."""
    found = crashed(workload)
    starts = [moment for container in found if (moment := crashing_since(container))]
    return Crash(chosen, min(starts) if starts else None, _words(workload, chosen), _facts(workload, chosen, found))


def link(workload: Workload, since: datetime | None) -> Link:
    """Whether the crashes began with the last change of the template."""
    change = workload.change
    late = _never_progressed(workload.object)
    if change is None or not change.real or (not late and worked_before(workload)):
        return Link.NONE
    # Its own controller has judged: no pod of this template ever became available in time.
    if late:
        return Link.FOLLOWS
    return Link.LATER if change.at is None or since is None else _by_time(change, since - change.at)


def _by_time(change: TemplateChange, gap: timedelta) -> Link:
    # Before the change it cannot be to blame; a day later a hundred other things have happened.
    if gap < -_SLACK or gap > _SAME_DAY:
        return Link.NONE
    return Link.FOLLOWS if gap <= _SOON and not is_outward(change) else Link.LATER


def is_outward(change: TemplateChange) -> bool:
    """Whether only labels and annotations changed, which the program in the container does not meet.

    One that asks for an injected sidecar is more than that.
    """
    return all(part.path.startswith("metadata.") and "inject" not in part.path for part in change.real)


def config_between(workload: Workload, change_at: datetime | None, until: datetime | None) -> list[Fact]:
    """Edits of ConfigMaps and Secrets that lie as near to the crash as the template change does."""
    if change_at is None or until is None:
        return []
    span = (change_at - _SLACK, until + _SLACK)
    return [edit.fact for edit in edits(workload) if edit.at and span[0] <= edit.at <= span[1]]


def _never_progressed(item: KubeObject) -> bool:
    state = item.condition("Progressing") if item.kind == "Deployment" else None
    return state is not None and state.text("reason") == "ProgressDeadlineExceeded"


def _words(workload: Workload, container: Container) -> str:
    killed = probe_kill(workload.scene, container)
    if container.waiting in START_PROBLEMS:
        said = container.message or (container.ended.text("message") if container.ended else "")
        return f"{container.label} cannot be started ({quoted(said or container.waiting, 120)})"
    ended = container.ended
    if ended is not None and ended.text("reason") in {"StartError", "ContainerCannotRun"}:
        return f"{container.label} cannot be started ({quoted(ended.text('message'), 120)})"
    if killed:
        return f"{container.label} is killed by its {killed} probe"
    code = container.exit_code
    if code is None:
        how = "ends with an error" if container.is_failed_end else "keeps failing (how it ends is not shown)"
        wrote = _log(workload, container)[:1]
        return f"{container.label} {how}" + (f"; it wrote: {wrote[0].text}" if wrote else "")
    how = "ends with code 0 and is started again" if code == 0 else _CODES.get(code, f"exits with code {code}")
    return f"{container.label} {how}"


def _facts(workload: Workload, container: Container, found: list[Container]) -> tuple[Fact, ...]:
    pod, ended = container.pod, container.ended
    told = []
    if container.waiting in START_PROBLEMS:
        told.append(facts.field(pod, container.waiting_path, f"{container.waiting}: {container.message}"))
    if ended is None and container.waiting == "CrashLoopBackOff":
        words = f"{container.label}: CrashLoopBackOff{container.restarted}"
        told.append(facts.field(pod, container.waiting_path, words))
    if ended is not None:
        pods = len({entry.pod.name for entry in found})
        count = f", {pods} of {len(workload.pods)} pods" if len(workload.pods) > 1 else ""
        text = f"{container.label}: {_end_of(container)}"
        run = _run(container)
        message = f": {ended.text('message')}" if ended.text("message") else ""
        words = f"{text}{container.restarted}{run}{count}{message}"
        told.append(facts.field(pod, container.ended_path, words, ended.time("finishedAt")))
    killed = probe_kill(workload.scene, container)
    if killed:
        told += [facts.event(entry) for entry in workload.scene.events_of(pod, "Unhealthy")[:1]]
    return (*told, *_log(workload, container))


def _end_of(container: Container) -> str:
    reason = container.ended.text("reason") if container.ended else ""
    if container.exit_code is None:
        return reason or container.waiting or "ended"
    return f"exit code {container.exit_code} ({reason or 'no reason'})"


def _run(container: Container) -> str:
    ended = container.ended
    started, finished = (ended.time("startedAt"), ended.time("finishedAt")) if ended else (None, None)
    # The kubelet dates the start of what never started 1970.
    return f", ran {spell(finished - started)}" if started and finished and started.year > _EPOCH else ""


def _log(workload: Workload, container: Container) -> list[Fact]:
    return [facts.log(line) for line in workload.scene.log_of(container.pod, container.name)]
