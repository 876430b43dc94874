"""What `kubernaut gameday` prints: a line a problem while it runs, and the arms beside each other at the end."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.entrypoints.status import Tone
from kubernaut.entrypoints.terminal.escaping import visible
from kubernaut.entrypoints.terminal.look import Look, aligned
from kubernaut.entrypoints.units import counted, duration
from kubernaut.gameday.arms import Arm
from kubernaut.gameday.fault import Policy
from kubernaut.gameday.results import Result, Summary, summary_of
from kubernaut.gameday.run import Gameday, Moved, NotPlayed

_LONGEST_WHY = 160


def moved_line(moved: Moved, look: Look) -> str:
    """How one problem ended in one arm."""
    last = moved.last
    head = f"{moved.done:>4} of {moved.total}  {last.fault} {last.variant}  {last.arm.value}: "
    if isinstance(last, NotPlayed):
        return look.text(head + look.paint(Tone.ASK, "not played") + f"  {visible(last.why[:_LONGEST_WHY])}")
    took = f" in {duration(last.seconds)}" if last.seconds is not None else ""
    tone = Tone.GOOD if last.is_right or (last.arm is not Arm.KUBERNAUT and last.healed) else Tone.QUIET
    why = f"  {visible(last.why[:_LONGEST_WHY])}" if last.why and last.arm is Arm.KUBERNAUT else ""
    return look.text(head + look.paint(tone, visible(last.outcome)) + took + why)


def report_lines(gameday: Gameday, left_out: Sequence[str], look: Look) -> list[str]:
    """The table of the arms, and everything that Kubernaut got wrong."""
    results = gameday.results
    summaries = [summary_of(arm, results) for arm in gameday.grounds]
    head = ["ARM", "HEALED", "95 % INTERVAL", "ON CONTROLS", "WRITES", "OUTSIDE TARGET", "MEDIAN TIME"]
    lines = ["", *aligned([head, *[_row(one, look) for one in summaries]]), ""]
    for one in summaries:
        if one.arm is Arm.KUBERNAUT:
            lines += _of_kubernaut(one)
    lines += _notes(gameday, summaries, left_out)
    return [look.text(line) for line in [*lines, *_wrong(results, look)]]


def _row(one: Summary, look: Look) -> list[str]:
    interval = one.interval
    bad = one.false_actions > 0
    return [
        one.arm.value,
        f"{one.healed} of {one.problems}",
        f"{100 * interval[0]:.0f} % to {100 * interval[1]:.0f} %" if interval else "not computable",
        look.paint(Tone.BAD if bad else Tone.GOOD, f"{one.false_actions} on {one.controls}"),
        str(one.mutations),
        look.paint(Tone.BAD if one.outside_target else Tone.GOOD, str(one.outside_target)),
        duration(one.median_seconds) if one.median_seconds is not None else "not computable",
    ]


def _of_kubernaut(one: Summary) -> list[str]:
    return [
        f"Kubernaut healed and verified {one.act_healed_and_verified} of {one.act_rows} that it may act on alone,",
        f"and handed over {one.escalated_rightly} of {one.escalate_rows} that are for people, changing nothing.",
        *(
            f"Strategy {visible(name)}: taken in {counted(each.problems, 'problem')}, {each.healed} healed."
            for name, each in one.by_strategy.items()
        ),
    ]


def _notes(gameday: Gameday, summaries: Sequence[Summary], left_out: Sequence[str]) -> list[str]:
    lines = []
    by_themselves = max((one.not_counted for one in summaries), default=0)
    if by_themselves:
        lines.append(f"{counted(by_themselves, 'problem')} went away by doing nothing, and count for nobody.")
    if left_out:
        lines.append(f"Not to be shown on this cluster: {', '.join(left_out)}")
    lines += [f"Not played: {one.fault} {one.variant} {one.arm}: {visible(one.why)}" for one in gameday.not_played]
    return lines


def _wrong(results: Sequence[Result], look: Look) -> list[str]:
    wrong = [one for one in results if one.arm is Arm.KUBERNAUT and not one.is_right]
    if not wrong:
        return []
    rows = [
        [look.paint(Tone.BAD, "wrong"), f"{one.fault} {one.variant}", _expected(one), _happened(one)] for one in wrong
    ]
    return ["", *aligned(rows)]


def _expected(one: Result) -> str:
    if one.control:
        return "had to be left alone"
    match one.policy:
        case Policy.ACT | Policy.APPROVE:
            return "had to be healed"
        case Policy.ESCALATE:
            return "had to be handed over"
        case Policy.DECLINE:
            return "had to be left alone"


def _happened(one: Result) -> str:
    parts = [visible(one.outcome), f"{counted(one.mutations, 'write')}" if one.mutations else ""]
    parts += [f"{one.outside_target} outside the target" if one.outside_target else "", visible(one.why[:_LONGEST_WHY])]
    return " - ".join(part for part in parts if part)
