"""A whole remedy: one change, or several on many objects, of which each is looked for before it is made.

A part waits while a disruption budget forbids its eviction, while the API server does not answer, or until an owner has
acted, and at most as long as the remedy's patience. What then still is not done is a failure. Parts that belong
together are taken back when one fails, in the reverse order; of the others those that can be done are done. Either way
the outcome names what was done, what was not and why, so nothing is half done in silence. A crash on the way costs
nothing: the next run finds the parts that are done.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from kubernaut.domain.errors import ClusterError, ClusterThrottled, ClusterUnavailable
from kubernaut.domain.execution import Applied, Execution, Gone, Intent, Moved
from kubernaut.execution.applying import apply_part, is_applied
from kubernaut.execution.previewing import ExecutionPorts
from kubernaut.execution.undoing import undo_part

# Budgets come free as pods become ready, which takes seconds; asking more often only loads the server.
_PAUSE: Final = timedelta(seconds=5)


@dataclass(slots=True)
class _Progress:
    intent: Intent
    rounds: int
    deadline: datetime
    waiting: list[Intent]
    done: list[Intent] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    held: dict[str, ClusterError | str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


async def apply(ports: ExecutionPorts, intent: Intent) -> Execution:
    """The remedy done, found done already, or refused with the reason and with what was taken back.

    Raises what is worth another try, as `apply_part` does; running it again is safe.
    """
    if not intent.further:
        return await apply_part(ports, intent)
    # Asked before the first part is applied, since afterwards it always has.
    begun = await _has_begun(ports, intent)
    execution = await apply_part(ports, intent, first=not begun)
    if execution.applied is Applied.REFUSED and (intent.together or begun):
        return await _taken_back(ports, intent, [], {_name(intent): execution.reason}) if begun else execution
    # Counted, so that a clock that is set back lengthens nothing; each takes a pause at the least.
    rounds = 1 + intent.patience_s // int(_PAUSE.total_seconds())
    deadline = ports.clock.now() + timedelta(seconds=intent.patience_s)
    progress = _Progress(intent, rounds, deadline, list(intent.further))
    _note(progress, intent, execution)
    while await _round(ports, progress):
        await ports.clock.sleep(_pause(progress))
    progress.failed |= {name: f"the time was up: {why}" for name, why in progress.held.items()}
    return await _ended(ports, progress)


async def _has_begun(ports: ExecutionPorts, intent: Intent) -> bool:
    """Whether an earlier run did a part: what was decided on is then rightly not there any more."""
    return is_applied(intent, await ports.reader.get(intent.preview.change.target))


async def _round(ports: ExecutionPorts, progress: _Progress) -> bool:
    """Tries each waiting part once, in order; whether it is worth another round."""
    progress.held.clear()
    still: list[Intent] = []
    for part in progress.waiting:
        # What belongs together is going to be taken back, so nothing more of it is begun.
        if progress.failed and progress.intent.together:
            return False
        # It waits for one before it, which has not come to its end.
        if still and part.after is not None:
            still.append(part)
            continue
        held = await _try(ports, progress, part)
        if held:
            progress.held[_name(part)] = held
            still.append(part)
    progress.waiting = still
    progress.rounds -= 1
    return bool(still) and progress.rounds > 0 and ports.clock.now() < progress.deadline


def _pause(progress: _Progress) -> timedelta:
    """Until the next round: as long as the API server asked for, where it did."""
    asked = [held.retry_after_s for held in progress.held.values() if isinstance(held, ClusterThrottled)]
    return max(_PAUSE, timedelta(seconds=max(asked, default=0.0)))


async def _try(ports: ExecutionPorts, progress: _Progress, part: Intent) -> ClusterError | str:
    """Empty where the part came to an end, good or bad; else what it waits for."""
    try:
        held = await _awaited(ports, part.after)
        if held:
            return held
        execution = await apply_part(ports, part, first=False)
    # Not raised to the engine here: its patience is a minute, and that of a drain many.
    except (ClusterThrottled, ClusterUnavailable) as error:
        return error
    except ClusterError as error:
        progress.failed[_name(part)] = str(error)
        return ""
    _note(progress, part, execution)
    return ""


async def _awaited(ports: ExecutionPorts, after: Moved | Gone | None) -> str:
    """What has not happened yet, in words; empty where it has."""
    if after is None:
        return ""
    now = await ports.reader.get(after.target)
    match after:
        case Moved(resource_version=version):
            still = now is None or now.resource_version == version
            return f"{after.target} has not been renewed by its owner" if still else ""
        case Gone(uid=uid):
            return f"the former {after.target} is still there" if now is not None and now.uid == uid else ""


def _note(progress: _Progress, part: Intent, execution: Execution) -> None:
    if execution.applied is Applied.REFUSED:
        progress.failed[_name(part)] = execution.reason
    else:
        progress.done.append(part)
        progress.warnings += execution.warnings


async def _ended(ports: ExecutionPorts, progress: _Progress) -> Execution:
    intent = progress.intent
    if progress.failed and (intent.together or not progress.done):
        return await _taken_back(ports, intent, progress.done, progress.failed)
    words = intent.preview.reach
    if progress.failed:
        words = f"{len(progress.done)} of {len(intent.parts)} done; not done: {_listed(progress.failed)}"
    return Execution(intent, Applied.DONE, words, ports.clock.now(), tuple(progress.warnings))


async def _taken_back(ports: ExecutionPorts, intent: Intent, done: list[Intent], failed: dict[str, str]) -> Execution:
    words = [f"{len(done)} of {len(intent.parts)} done; not done: {_listed(failed)}"]
    back, kept = [], {}
    # In the reverse order: a later part may rest on an earlier one.
    for part in reversed(done):
        if part.undo is None:
            continue
        execution = await undo_part(ports, part)
        if execution.applied is Applied.REFUSED:
            kept[_name(part)] = execution.reason
        else:
            back.append(_name(part))
    ended = [_name(part) for part in done if part.undo is None]
    words += [f"taken back: {', '.join(back)}"] if back else []
    words += [f"could not be taken back: {_listed(kept)}"] if kept else []
    words += [f"done and needs no way back: {', '.join(ended[:5])}{' …' if len(ended) > 5 else ''}"] if ended else []  # noqa: PLR2004
    # `left` is what stays changed although the remedy failed: people are told, since nobody else will look.
    return Execution(intent, Applied.REFUSED, "; ".join(words), ports.clock.now(), left=tuple(kept))


async def undo(ports: ExecutionPorts, intent: Intent) -> Execution:
    """Every part taken back in the reverse order, found so already, or refused with the reasons."""
    if not intent.further:
        return await undo_part(ports, intent)
    outcomes = [await undo_part(ports, part) for part in reversed(intent.parts) if part.undo is not None]
    if not outcomes:
        return await undo_part(ports, intent)
    refused = [each for each in outcomes if each.applied is Applied.REFUSED]
    if refused:
        words = "; ".join(each.reason for each in refused)
        taken = len(outcomes) - len(refused)
        return replace(refused[0], intent=intent, reason=f"{taken} of {len(outcomes)} taken back; {words}")
    done = next((each for each in outcomes if each.applied is Applied.DONE), outcomes[0])
    return replace(done, intent=intent)


def _name(part: Intent) -> str:
    return str(part.preview.change.target)


def _listed(reasons: dict[str, str]) -> str:
    shown = [f"{name} ({why})" for name, why in list(reasons.items())[:5]]
    more = len(reasons) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
