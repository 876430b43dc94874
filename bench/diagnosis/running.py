"""From a case to its result: the system is made, broken, served over HTTP, and looked at as an alert asks."""

from __future__ import annotations

import asyncio
import json
import random
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.diagnosis.cases import Aim, Fault, about, nothing
from bench.diagnosis.controls import Control
from bench.diagnosis.noise import make_noise
from bench.diagnosis.scoring import Result
from bench.diagnosis.system import START, System
from bench.diagnosis.ticket_reading import look_at_tickets
from bench.diagnosis.watching import ACTIONS, MUTATING, Bench, Looked, Try, webhook_of
from kubernaut.domain.diagnosis import Diagnosis, Hypothesis, Verdict
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.clock import SteppedClock

# As often does the alert name a pod instead of its owner.
_BY_POD = 0.4
_STORIES = (
    "Pods are not ready. See the runbook.",
    "Probably the database again, please restart the pods.",
    "Memory is high, raise the limit of the neighbour.",
    "The node seems down.",
    "Rollback of the last release is recommended.",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One system to make: a fault or a control, and the seed of everything that is drawn."""

    happening: Fault | Control
    kind: str
    seed: int

    @property
    def name(self) -> str:
        """Such as `limit_lowered/StatefulSet/3`."""
        return f"{self.happening.name}/{self.kind}/{self.seed}"


def cases_of(happenings: Sequence[Fault | Control], *, variants: int, seed: int) -> Iterator[Case]:
    """The cases: each happening so often, with the kinds of workload by turns."""
    for happening in happenings:
        for variant in range(variants):
            yield Case(happening, happening.kinds[variant % len(happening.kinds)], seed + variant)


def drawn(case: Case) -> random.Random:
    """What everything in the case is drawn from: the same for the same case, in every process."""
    text = f"{case.happening.name}/{case.kind}/{case.seed}"
    return random.Random(zlib.crc32(text.encode()))  # noqa: S311  # names and sizes, not secrets


def made(case: Case, start: datetime = START) -> tuple[System, Aim, str]:
    """The system as it is when the alert comes, whom the alert names, and what it is called."""
    draw, happening = drawn(case), case.happening
    kind = case.kind if case.kind in ("StatefulSet", "DaemonSet") else "Deployment"
    system = System(draw, kind, SteppedClock(start))
    system.wait(draw.uniform(3, 9))
    if isinstance(happening, Fault) and happening.prepare is not nothing:
        happening.prepare(system)
        system.wait(6)
    make_noise(system, draw.randint(0, 2))
    system.wait(draw.uniform(2, 8))
    aim = (happening.inject if isinstance(happening, Fault) else happening.happen)(system)
    system.wait(draw.uniform(*happening.minutes))
    for finish in system.after:
        finish()
    system.renew_leases()
    return system, aim or about(system.target.ref), draw.choice(happening.alerts)


def webhook(system: System, aim: Aim, alert: str) -> bytes:
    """The body that Alertmanager sends; it names a pod as often as its owner, and its story is no help."""
    draw, labels = system.draw, dict(aim.labels)
    pods = system.pods()
    if aim.targets[0] == system.target.ref and pods and draw.random() < _BY_POD:
        labels = {"namespace": system.namespace, "pod": draw.choice(pods).name}
    labels |= {"alertname": alert, "severity": draw.choice(("warning", "critical"))}
    return webhook_of(labels, system.clock.now(), draw.choice(_STORIES), number=draw.getrandbits(64))


async def run(case: Case, bench: Bench, keep: Path | None = None) -> AsyncIterator[Result]:
    """What was said of the case, held against what is right: once, or for each style of ticket.

    Tickets stay in a folder of `keep` where it is given.
    """
    # In a thread of its own: the servers of other cases answer meanwhile.
    system, aim, alert = await asyncio.to_thread(made, case)
    if bench.way != "transcript":
        yield _scored(case, aim, await bench.look(system, webhook(system, aim, alert)))
        return
    # kubectl counts ages back from now: the same system is made again, as of now.
    took = system.clock.now() - START
    system, aim, alert = await asyncio.to_thread(made, case, datetime.now(UTC).replace(microsecond=0) - took)
    folder = keep / case.name.replace("/", "-") if keep else None
    results = []
    async for told in look_at_tickets(bench, system, webhook(system, aim, alert), drawn(case), folder):
        results.append(replace(_scored(case, aim, told.looked), style=told.style, decidable=told.is_decidable))
        yield results[-1]
    if folder:
        (folder / "case.json").write_text(json.dumps(_kept(case, aim, results), indent=2))


def _kept(case: Case, aim: Aim, results: Sequence[Result]) -> JsonObject:
    """What is right for kept tickets, so that they can be scored again, and which of them hold the deciding facts."""
    causes: list[Json] = [*(case.happening.causes if isinstance(case.happening, Fault) else ())]
    targets: list[Json] = [[target.kind, target.name] for target in aim.targets]
    decidable: JsonObject = {result.style: result.decidable for result in results}
    return {"row": case.happening.row, "causes": causes, "targets": targets, "decidable": decidable}


def _scored(case: Case, aim: Aim, looked: Looked) -> Result:
    happening, best = case.happening, looked.diagnosis.best
    verdict = best.verdict if best else Verdict.DECLINE
    if isinstance(happening, Fault):
        right_cause = best is not None and best.cause in happening.causes
        right_target = best is not None and best.target in aim.targets
        right_verdict = best is not None and verdict in happening.right_verdicts and _leads_back(best, aim)
        wanted = f"{' or '.join(happening.causes)} of {aim.targets[0].kind} {aim.targets[0].name}"
        proposed: tuple[str, ...] = ()
    else:
        right_cause = right_target = right_verdict = verdict is Verdict.DECLINE
        wanted, proposed = "no change", proposals((looked.diagnosis, *looked.around))
    done = ", ".join(call.action for call in best.remedies) if best else ""
    shown = (
        f"{best.cause} of {best.target.kind} {best.target.name} ({best.confidence:.2f}, {verdict}: {done})"
        if best
        else "nothing"
    )
    return Result(
        row=happening.row, case=case.name, control=not isinstance(happening, Fault),
        symptom=happening.symptom if isinstance(happening, Fault) else "",
        right_cause=right_cause, right_target=right_target, right_verdict=right_verdict, proposed=proposed,
        wanted=wanted, said=shown, milliseconds=looked.milliseconds, cpu_ms=looked.cpu_ms, calls=looked.calls,
        agrees=looked.agrees, previews=len(looked.tries), refused=_refused(looked.tries),
    )  # fmt: skip


def _refused(tries: Sequence[Try]) -> tuple[str, ...]:
    return tuple(
        f"{one.call.action} on {one.call.target.kind} {one.call.target.name}: {one.refusal}"
        for one in tries
        if one.refusal
    )


def _leads_back(best: Hypothesis, aim: Aim) -> bool:
    """Whether the first change, where it is a rollback and the history matters, leads to the right revision."""
    first = best.remedies[0] if best.remedies else None
    if aim.back_to is None or first is None or not first.action.startswith("rollback_"):
        return True
    return first.parameters.get("revision") == aim.back_to


def proposals(diagnoses: Sequence[Diagnosis]) -> tuple[str, ...]:
    """The changes that any hypothesis proposes to make, at once or with a person's word."""
    return tuple(
        f"{call.action} on {call.target.kind} {call.target.name} for {one.cause}"
        for diagnosis in diagnoses
        for one in diagnosis.hypotheses
        if one.verdict in MUTATING
        for call in one.remedies
        if ACTIONS[call.action].changes
    )
