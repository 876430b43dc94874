"""Runs the checks, keeps the evidence, and adds up."""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from kubernaut.domain.errors import InputError, KubernautError
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.verdicts import Check, Confidence, Measured, Outcome, Verdict, confidence
from kubernaut.entrypoints.value.sheet import Section, Sheet

_PLAN_KEYS = (
    "avg_response_time", "success_rate", "concurrent_capacity", "metrics_accuracy", "strategy_success_rate",
    "measurable_roi", "system_availability",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assessment:
    """All outcomes in the order of the checklist; `cpu_s` is what this process and its children computed."""

    at: datetime
    seconds: float
    quick: bool
    outcomes: tuple[Outcome, ...]
    cpu_s: float = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether every check passed."""
        return all(outcome.verdict is Verdict.PASS for outcome in self.outcomes)

    @property
    def confidence(self) -> Confidence:
        """Derived from the verdicts."""
        return confidence(self.outcomes)


async def assess(
    checks: Sequence[Check], ground: Ground, *, at: datetime, folder: Path | None, say: Callable[[str], None]
) -> Assessment:
    """Runs them in order; a check that breaks is short, and says why. Raises `InputError` for a bad folder."""
    begun, cpu = time.monotonic(), _cpu_s()
    outcomes = []
    for check in checks:
        say(f"{check.id}: {check.promise}")
        outcome = await _run(check, ground, left_s=ground.longest_s - (time.monotonic() - begun))
        outcomes.append(_kept(outcome, folder))
    return Assessment(at, time.monotonic() - begun, ground.quick, tuple(outcomes), _cpu_s() - cpu)


def _cpu_s() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


async def _run(check: Check, ground: Ground, *, left_s: float) -> Outcome:
    repeat = ground.command(check.id)
    if check.measure is None:
        return Outcome(check, Verdict.NOT_BUILT, "no check of it is built yet", None, 0.0, repeat)
    if ground.quick and not check.quick:
        return Outcome(check, Verdict.NOT_RUN, "left out by --quick", None, 0.0, repeat)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(max(1.0, left_s)):
            measured = await check.measure(ground)
    except TimeoutError:
        measured = _broke("it did not end in time")
    except KubernautError as error:
        measured = _broke(f"{error.code}: {error}")
    except ExceptionGroup as several:
        ours, others = several.split(KubernautError)
        if ours is None or others is not None:
            raise
        measured = _broke("; ".join(str(error) for error in ours.exceptions))
    verdict = Verdict.PASS if measured.reached else Verdict.SHORT
    return Outcome(check, verdict, measured.figure, measured, time.monotonic() - begun, repeat)


def _broke(why: str) -> Measured:
    return Measured(why[:200], reached=False, value=None, n=0, evidence={"error": why})


def _kept(outcome: Outcome, folder: Path | None) -> Outcome:
    if folder is None or outcome.measured is None:
        return outcome
    file = folder / f"{outcome.check.id}.json"
    document: JsonObject = {**_outcome_json(outcome), "evidence": dump(outcome.measured.evidence)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    return replace(outcome, evidence=str(file))


def assessment_json(found: Assessment) -> JsonObject:
    """The document of `readiness --json`; `metrics` has the plan's keys, null where there is no figure."""
    sure = found.confidence
    return {
        "at": found.at.isoformat(),
        "cluster": "sandbox",
        "quick": found.quick,
        "seconds": round(found.seconds, 1),
        "cpu_seconds": round(found.cpu_s, 1),
        "ready": found.is_ready,
        "metrics": production_metrics(found),
        "confidence": {"value": round(sure.value, 1), "low": round(sure.low, 1)},
        "checks": [{**_outcome_json(outcome), "evidence": outcome.evidence} for outcome in found.outcomes],
    }


def production_metrics(found: Assessment) -> JsonObject:
    """ProductionReadinessMetrics: each value that a check of this run gave."""
    given: dict[str, Json] = dict.fromkeys(_PLAN_KEYS)
    for outcome in found.outcomes:
        if outcome.check.metric and outcome.measured is not None:
            given[outcome.check.metric] = outcome.measured.value
    layers = {layer.value: (passed, total) for layer, passed, total in found.confidence.layers}
    given["integration_tests"] = "{} of {}".format(*layers["integration"])
    given["e2e_workflows"] = "{} of {}".format(*layers["end to end"])
    return given


def _outcome_json(outcome: Outcome) -> JsonObject:
    check = outcome.check
    return {
        "id": check.id, "promise": check.promise, "goal": check.goal, "layer": check.layer.value,
        "metric": check.metric, "figure": outcome.figure, "verdict": outcome.verdict.value,
        "note": outcome.measured.note if outcome.measured else "",
        "command": outcome.command, "seconds": round(outcome.seconds, 2),
    }  # fmt: skip


def assessment_sheet(found: Assessment) -> Sheet:
    """The same in words, for every written form."""
    sure = found.confidence
    short = [outcome for outcome in found.outcomes if outcome.verdict is not Verdict.PASS]
    layers = " · ".join(f"{layer.value} {passed}/{total}" for layer, passed, total in sure.layers)
    rows = tuple(
        (_icon(outcome.verdict), outcome.check.promise, outcome.figure, outcome.check.goal, outcome.command)
        for outcome in found.outcomes
    )
    metrics = tuple(
        (name, "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in production_metrics(found).items()
    )
    notes = tuple(
        (outcome.check.id, outcome.measured.note)
        for outcome in found.outcomes
        if outcome.measured is not None and outcome.measured.note
    )
    return Sheet(
        f"{found.at:%Y-%m-%d %H:%M}Z · sandbox, simulated · {len(found.outcomes)} checks"
        f" in {found.seconds:.0f} s, {found.cpu_s:.0f} s of CPU",
        (
            f"{len(found.outcomes) - len(short)} pass, {len(short)} do not",
            f"System confidence {sure.value:.0f} %, at least {sure.low:.0f} %: {layers} (35, 40, 25)",
        ),
        (
            Section("Checks", ("verdict", "promise", "figure", "goal", "repeat it"), rows),
            Section("Production readiness metrics", ("metric", "value"), metrics),
            *((Section("What the figures do not prove", ("check", "note"), notes),) if notes else ()),
        ),
        "Readiness",
    )


def _icon(verdict: Verdict) -> str:
    return f"✓ {verdict}" if verdict is Verdict.PASS else f"✗ {verdict}"
