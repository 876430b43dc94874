"""Figures of a run: counts, shares with their intervals, times and calls."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.shares import wilson_interval

_SHOWN = (
    *("cases", "right_cause", "right_target", "right_verdict", "previews"),
    *("preview_accepted", "controls", "actions_on_controls"),
    *("right_verdict_on_controls", "median_ms", "p95_ms", "median_cpu_ms", "calls", "agreement", "scale"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """One case and what was said of it. `wanted` and `said` are texts for people."""

    row: int
    case: str
    control: bool
    symptom: str
    right_cause: bool
    right_target: bool
    right_verdict: bool
    proposed: tuple[str, ...]
    wanted: str
    said: str
    milliseconds: float
    cpu_ms: float
    calls: int
    agrees: bool | None = None
    previews: int = 0
    refused: tuple[str, ...] = ()
    style: str = ""
    decidable: bool | None = None


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, to four digits; everything where nothing was counted."""
    low, high = wilson_interval(right, of)
    return round(low, 4), round(high, 4)


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(0.95 * len(ordered)) - 1)] if ordered else 0.0


def summary(results: Sequence[Result], not_covered: Iterable[JsonObject]) -> JsonObject:
    """What is printed as JSON."""
    faults = [result for result in results if not result.control]
    controls = [result for result in results if result.control]
    rows = sorted({result.row for result in faults})
    told: JsonObject = {
        "cases": len(faults),
        **_counts(faults),
        "controls": len(controls),
        "actions_on_controls": sum(bool(result.proposed) for result in controls),
        "right_verdict_on_controls": sum(result.right_verdict for result in controls),
        **_times([result for result in results if not result.style]),
        "intervals": _intervals(faults) | {"actions_on_controls": _share(controls, "proposed")},
        "per_fault": {str(row): _of_row([result for result in faults if result.row == row]) for row in rows},
        "failures": [_failure(result) for result in results if _is_failure(result)],
        "not_covered": [*not_covered],
    }
    if styles := dict.fromkeys(result.style for result in faults if result.style):
        told["per_style"] = {style: _of_style([one for one in faults if one.style == style]) for style in styles}
    agreed = [result for result in results if result.agrees is not None]
    if agreed:
        told["agreement"] = {"compared": len(agreed), "same": sum(bool(result.agrees) for result in agreed)}
    return told


def _times(results: Sequence[Result]) -> JsonObject:
    """What diagnoses of a cluster took; tickets are read beside others, so that no figure of theirs would mean much."""
    times, calls = [result.milliseconds for result in results], [result.calls for result in results]
    if not results:
        return {}
    return {
        "median_ms": round(statistics.median(times), 1),
        "p95_ms": round(p95(times), 1),
        "median_cpu_ms": round(statistics.median([result.cpu_ms for result in results]), 1),
        "calls": {"median": statistics.median(calls), "max": max(calls)},
    }


def _counts(results: Sequence[Result]) -> JsonObject:
    return {
        "right_cause": sum(result.right_cause for result in results),
        "right_target": sum(result.right_target for result in results),
        "right_verdict": sum(result.right_verdict for result in results),
        "previews": sum(result.previews for result in results),
        "preview_accepted": sum(result.previews - len(result.refused) for result in results),
    }


def _share(results: Sequence[Result], name: str) -> list[Json]:
    return [*wilson(sum(bool(getattr(result, name)) for result in results), len(results))]


def _intervals(results: Sequence[Result]) -> JsonObject:
    return {name: _share(results, name) for name in ("right_cause", "right_target", "right_verdict")}


def _of_row(results: Sequence[Result]) -> JsonObject:
    symptoms: list[Json] = [*sorted({result.symptom for result in results})]
    return {
        "cases": len(results),
        **_counts(results),
        "symptom": symptoms,
        "intervals": _intervals(results),
    }


def _of_style(results: Sequence[Result]) -> JsonObject:
    """The figures of one way to write a ticket, and apart those of tickets that hold what the live diagnosis rests on.

    `both` is the right cause at the right target.
    """
    decidable = [result for result in results if result.decidable]
    others = [result for result in results if not result.decidable]
    return {**_told(results), "decidable": _told(decidable), "not_decidable": _told(others)}


def _told(results: Sequence[Result]) -> JsonObject:
    both = sum(result.right_cause and result.right_target for result in results)
    return {
        "cases": len(results),
        "right_cause": sum(result.right_cause for result in results),
        "right_target": sum(result.right_target for result in results),
        "right_verdict": sum(result.right_verdict for result in results),
        "both": both, "interval": [*wilson(both, len(results))],
        "as_live": sum(bool(result.agrees) for result in results),
    }  # fmt: skip


def _is_failure(result: Result) -> bool:
    if result.control:
        return bool(result.proposed)
    return bool(result.refused) or not (result.right_cause and result.right_target and result.right_verdict)


def _failure(result: Result) -> JsonObject:
    proposed: list[Json] = [*result.proposed]
    return {
        "row": result.row, "case": result.case, "style": result.style, "decidable": result.decidable,
        "right_cause": result.right_cause, "right_target": result.right_target,
        "right_verdict": result.right_verdict, "wanted": result.wanted, "said": result.said, "proposed": proposed,
        "refused": [*result.refused],
    }  # fmt: skip


def table(told: JsonObject) -> str:
    """The figures for people."""
    lines = [f"{'row':>4} {'cases':>6} {'cause':>6} {'target':>7} {'verdict':>8}  symptom"]
    per_fault = told["per_fault"]
    assert isinstance(per_fault, dict)  # noqa: S101  # narrows what `summary` made
    for row, one in per_fault.items():
        assert isinstance(one, dict)  # noqa: S101  # narrows what `summary` made
        symptom = one["symptom"]
        shown = ", ".join(str(each) for each in symptom) if isinstance(symptom, list) else ""
        lines.append(
            f"{row:>4} {one['cases']:>6} {one['right_cause']:>6} {one['right_target']:>7} {one['right_verdict']:>8}  "
            f"{shown}"
        )
    lines += [f"{key:>26} {told[key]}" for key in _SHOWN if key in told]
    lines += _style_lines(told.get("per_style"))
    failures = told["failures"]
    lines += [
        f"not right: row {one['row']} {one['case']} {_style_of(one)}: wanted {one['wanted']}; said {one['said']}"
        for one in (failures if isinstance(failures, list) else ())
        if isinstance(one, dict)
    ]
    return "\n".join(lines)


def _style_of(failure: JsonObject) -> str:
    return f"{failure['style']}{'' if failure['decidable'] is not False else ' (not decidable)'}"


def _style_lines(styles: Json) -> list[str]:
    """A line a style: of all tickets, of those that hold the deciding facts, of the others."""
    if not isinstance(styles, dict):
        return []
    lines = [f"{'ticket':>10} {'':>14} {'cases':>6} {'cause':>6} {'target':>7} {'both':>5} {'as live':>8}"]
    for style, of_style in styles.items():
        assert isinstance(of_style, dict)  # noqa: S101  # narrows what `summary` made
        for name, one in (("", of_style), *((key, of_style[key]) for key in ("decidable", "not_decidable"))):
            assert isinstance(one, dict)  # noqa: S101  # narrows what `summary` made
            counts = [one[key] for key in ("cases", "right_cause", "right_target", "both", "as_live")]
            lines.append("{:>10} {:>14} {:>6} {:>6} {:>7} {:>5} {:>8}".format(style, name.replace("_", " "), *counts))
    return lines
