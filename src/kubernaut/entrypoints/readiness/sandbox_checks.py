"""Checks of the whole service on the simulated cluster."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import cast

from kubernaut.domain.execution import Applied, Effect
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.domain.reconstruction import rebuild
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.unit_checks import above, counted
from kubernaut.entrypoints.readiness.verdicts import Measured
from kubernaut.entrypoints.value.gathering import histories_of
from kubernaut.impact.clocks import History
from kubernaut.impact.figures import share
from kubernaut.impact.period import Period, ValueReport, value_report

_TOLERANCE = 0.01
_NOT_OURS = frozenset({"received", "joined", "resolved", "approved", "rejected"})
_SUCCESS, _ACCURACY = 0.80, 0.85


async def ended_rightly(ground: Ground) -> Measured:
    """The scenarios, each with the ending it must have: healed, undone, escalated, or left alone."""
    results = (await ground.played()).results
    wrong = [f"{one.name}: {one.outcome}, expected {one.expected}" for one in results if not one.passed]
    return counted(len(results) - len(wrong), len(results), "scenarios ended rightly", wrong="; ".join(wrong))


async def strategy_success(ground: Ground) -> Measured:
    """Verified healed of executed, without the scenarios that are made to fail."""
    played = await ground.played()
    meant = {one.target for one in played.results if "undone" not in one.expected}
    effects = [
        Tree(event.body).text("verification", "effect")
        for history in played.histories
        if str(history.incident.target) in meant
        for event in history.of(EventKind.VERIFIED)
    ]
    figure = share(effects.count(Effect.HEALED), len(effects), of="verified attempt")
    return above(figure, _SUCCESS, {"effects": dict(Counter(effects))})


async def metrics_accuracy(ground: Ground) -> Measured:
    """Each stored metric of each incident against the same counted here, from the raw events, by other code."""
    right = total = 0
    wrong: list[str] = []
    for history in (await ground.played()).histories:
        for name, (stored, counted_anew) in _metrics(history).items():
            total += 1
            if abs(stored - counted_anew) <= _TOLERANCE * max(1.0, abs(counted_anew)):
                right += 1
            else:
                wrong.append(f"{history.incident.id} {name}: stored {stored:g}, events say {counted_anew:g}")
    return above(share(right, total, of="metric"), _ACCURACY, {"wrong": cast("JsonObject", wrong[:50])})


def _metrics(history: History) -> dict[str, tuple[float, float]]:
    valued = history.of(EventKind.VALUED)
    if not valued:
        return {}
    body, at = Tree(valued[0].body), valued[0]
    before = [event for event in history.events if event.seq < at.seq]
    verified = [event.body["verification"] for event in before if event.kind == "verified"]
    healed = [one for one in verified if isinstance(one, dict) and one["effect"] == "healed"]
    asked = [event.body.get("requests", 1) for event in before if event.kind == "model_asked"]
    received = next(event.at for event in before if event.kind == "received")
    told = partial(body.tree("analysis").number, default=math.nan)
    found = {
        "execution_duration": (
            told("execution_duration", "value"), (at.at - received).total_seconds()
        ),
        "step_count": (
            told("step_count"), 1.0 + sum(str(event.kind) not in _NOT_OURS for event in before)
        ),
        "ai_request_count": (told("ai_request_count"), float(sum(cast("list[int]", asked)))),
    }  # fmt: skip
    if verified:
        found["success_rate"] = (
            told("success_rate", "value"),
            len(healed) / len(verified),
        )
    return found


async def claims_have_evidence(ground: Ground) -> Measured:
    """Every fact that a stored diagnosis cites is among those that were read."""
    good = total = 0
    for event in (await ground.played()).events:
        if event.kind is EventKind.DIAGNOSED:
            diagnosis = Tree(event.body).tree("diagnosis")
            known = {fact.text("id") for fact in diagnosis.trees("evidence")}
            for hypothesis in diagnosis.trees("hypotheses"):
                cited = hypothesis.texts("supporting")
                total += len(cited)
                good += sum(one in known for one in cited)
    return counted(good, total, "cited facts were read")


async def intent_before_action(ground: Ground) -> Measured:
    """Before each applied change stands its intent, with the object as it was."""
    good = total = 0
    for history in (await ground.played()).histories:
        for event in history.of(EventKind.APPLIED):
            total += 1
            intents = [one for one in history.of(EventKind.INTENDED) if one.seq < event.seq]
            good += bool(intents) and bool(Tree(intents[-1].body).tree("intent", "snapshot").raw)
    return counted(good, total, "changes had their snapshot and way back stored first")


async def applied_once(ground: Ground) -> Measured:
    """No attempt has two applied events, and no incident the same action on the same object twice in a row."""
    played = await ground.played()
    applied = [event for event in played.events if event.kind is EventKind.APPLIED and _done(event)]
    keys = Counter((event.incident, event.key) for event in applied)
    return counted(sum(count == 1 for count in keys.values()), len(keys), "actions applied once")


def _done(event: Event) -> bool:
    return Tree(event.body).text("execution", "applied") in {Applied.DONE, Applied.ALREADY}


async def undo_restores(ground: Ground) -> Measured:
    """The live object of what was undone, against its snapshot."""
    restored = (await ground.played()).restored
    bad = [name for name, same in restored if not same]
    return counted(len(restored) - len(bad), len(restored), "undone objects are as they were", differ=bad)


async def left_alone(ground: Ground) -> Measured:
    """Controls: what is not managed, meant to be so, or passes by itself, is not touched."""
    controls = [one for one in (await ground.played()).results if one.control]
    good = sum(one.passed and not one.actions for one in controls)
    return counted(good, len(controls), "controls left alone")


async def chain_is_whole(ground: Ground) -> Measured:
    """The hash chain of the rehearsal's own log."""
    found = (await ground.played()).checked
    evidence: JsonObject = {"head": found.head, "events": found.events}
    return Measured(f"{found.events:,} events, whole", found.is_whole and found.events > 0, 1.0, found.events, evidence)


async def rebuilt_from_events(ground: Ground) -> Measured:
    """Every incident can be rebuilt from its events, closed as it closed."""
    played = await ground.played()
    ids = {event.incident for event in played.events}
    rebuilt = [rebuild([event for event in played.events if event.incident == one]) for one in ids]
    return counted(sum(one is not None for one in rebuilt), len(ids), "incidents rebuilt from events")


async def figures_come_from_events(ground: Ground) -> Measured:
    """The report with all that was computed before taken out of the log is the same report."""
    played = await ground.played()
    with_all = _report(ground, played.histories)
    bare = [event for event in played.events if event.kind is not EventKind.VALUED]
    without = _report(ground, histories_of(bare))
    same = with_all.metrics == without.metrics and with_all.effectiveness == without.effectiveness
    return Measured("equal to the cent" if same else "differs", same, float(same), with_all.incidents, {})


def _report(ground: Ground, histories: list[History]) -> ValueReport:
    moments = [event.at for history in histories for event in history.events]
    period = Period(min(moments) - timedelta(seconds=1), max(moments))
    return value_report(histories, period, ground.inputs)


async def learns(ground: Ground) -> Measured:
    """The second time, the plan knows that its remedy healed this cause before."""
    played = await ground.played()
    known = [
        event.body["plan"]
        for event in played.events
        if event.kind is EventKind.PLANNED and _tried(event) > 0
    ]  # fmt: skip
    learned = sum(event.kind is EventKind.LEARNED for event in played.events)
    words = f"{len(known)} plans knew their remedy's record; {learned} incidents remembered"
    return Measured(words, bool(known) and learned > 0, float(len(known)), learned, {})


def _tried(event: Event) -> int:
    return Tree(event.body).integer("plan", "chosen", "tried")
