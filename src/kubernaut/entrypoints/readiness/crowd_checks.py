"""Checks of how fast alerts are decided, alone and in a crowd, with models and without."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from os import cpu_count, getloadavg
from typing import cast

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.entrypoints.readiness.crowd import BY_LATENCY, DEAD, THINKING, Crowd
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.unit_checks import above, counted
from kubernaut.entrypoints.readiness.verdicts import Measured
from kubernaut.impact.figures import share

_P95 = 0.95
_DECISION_S = 5.0
_DEGRADATION, _BUSY = 0.50, 0.80
_A_MINUTE = 1000
_MINUTE_S = 60
_STAND_IN = (
    "The model is a stand-in that answers after that long what the rules suspect: its time is real, its word is not."
)


async def decided_in_time(ground: Ground) -> Measured:
    """From the first byte to the stored decision, rule path, one after the other."""
    crowd = await ground.crowd()
    times = crowd.alone_s
    if not times:
        return Measured("no alert was decided", reached=False, value=None, n=0, evidence={})
    high = percentile(times)
    words = f"p95 {high * 1000:.0f} ms, median {statistics.median(times) * 1000:.0f} ms, n = {len(times)}"
    return Measured(words, high < _DECISION_S, high, len(times), {"seconds": [*times]})


async def crowd_is_decided(ground: Ground) -> Measured:
    """A hundred different incidents, 20 alerts a second, whatever the replies."""
    crowd = await ground.crowd()
    figure = share(len(crowd.crowd_s), len(crowd.crowd_s) + crowd.undecided, of="alert")
    return above(figure, _P95, cast("JsonObject", _plain(asdict(crowd))))


async def degradation(ground: Ground) -> Measured:
    """How much longer each takes in a crowd, by the rules alone."""
    return _slowed(await ground.crowd())


async def degradation_with_model(ground: Ground) -> Measured:
    """The same while a hundred wait for a model at the same time."""
    return _slowed(await ground.crowd(THINKING), f" {_STAND_IN}")


def _slowed(crowd: Crowd, more: str = "") -> Measured:
    found = crowd.degradation
    if found is None:
        return Measured("no alert was decided", reached=False, value=None, n=0, evidence={})
    value, low, high = found
    alone, many = statistics.median(crowd.alone_s), statistics.median(crowd.crowd_s)
    words = (
        f"{100 * value:.0f} % (CI {100 * low:.0f} to {100 * high:.0f}), {alone * 1000:.0f} ms alone, "
        f"{many * 1000:.0f} ms in the crowd, up to {crowd.in_flight} in flight"
    )
    busy = f"Of this machine as it was: {getloadavg()[0]:.1f} processes wanted {cpu_count()} CPUs at the end."
    evidence: JsonObject = {"alone_s": [*crowd.alone_s], "crowd_s": [*crowd.crowd_s], "in_flight": crowd.in_flight}
    return Measured(
        words, value < _DEGRADATION and not crowd.undecided, value, len(crowd.crowd_s), evidence, busy + more
    )


async def decided_with_models(ground: Ground) -> Measured:
    """p95 from the first byte to the stored decision, with a model that takes 0, 1 and 3 seconds."""
    told, slowest, n, evidence = [], 0.0, 0, dict[str, Json]()
    undecided = 0
    for crowding in BY_LATENCY:
        crowd = await ground.crowd(crowding)
        undecided += crowd.undecided
        if crowd.crowd_s:
            high = percentile(crowd.crowd_s)
            told.append(f"{crowding.model_s:g} s: p95 {high:.2f} s")
            slowest, n = max(slowest, high), n + len(crowd.crowd_s)
            evidence[f"{crowding.model_s:g}"] = [*crowd.crowd_s]
    reached = len(told) == len(BY_LATENCY) and not undecided and slowest < _DECISION_S
    return Measured("; ".join(told) or "no alert was decided", reached, slowest, n, evidence, _STAND_IN)


async def sustained(ground: Ground) -> Measured:
    """Alerts taken a minute for as long as the soak takes, kills and faults included, and how long an answer took."""
    soaked = await ground.soaked()
    waits = [one.acknowledged_s - one.at_s for one in soaked.acknowledged if one.acknowledged_s is not None]
    if not waits:
        return Measured("no alert was taken", reached=False, value=None, n=0, evidence={})
    rate = _MINUTE_S * len(waits) / soaked.seconds
    median = statistics.median(waits)
    words = f"{rate:,.0f} a minute for {soaked.seconds:.0f} s, half of them answered within {1000 * median:.0f} ms"
    evidence: JsonObject = {"a_minute": rate, "p95_s": percentile(waits), "median_s": median}
    return Measured(words, rate >= _A_MINUTE, rate, len(waits), evidence)


def percentile(times: Sequence[float], share: float = _P95) -> float:
    """The time within which that share was decided."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def utilisation(ground: Ground) -> Measured:
    """CPU and memory of this process (service, cluster and sender), of all there is, while the crowd is worked on."""
    crowd = await ground.crowd()
    memory = f"{100 * crowd.memory_share:.0f} % of the memory ({crowd.memory_mb:.0f} MB)"
    words = f"{100 * crowd.cpu_share:.0f} % of the CPUs, {memory}"
    highest = max(crowd.cpu_share, crowd.memory_share)
    return Measured(words, highest < _BUSY, highest, crowd.sent, {"cpu": crowd.cpu_share, "memory": crowd.memory_share})


async def none_lost(ground: Ground) -> Measured:
    """What was answered with 202 is in the log of an incident."""
    crowd = await ground.crowd()
    lost = crowd.accepted - crowd.stored
    return Measured(
        f"{lost} of {crowd.accepted}", lost == 0 and crowd.accepted == crowd.sent, float(lost), crowd.sent, {}
    )


async def one_incident_each(ground: Ground) -> Measured:
    """Different faults are different incidents."""
    crowd = await ground.crowd()
    return counted(min(crowd.incidents, crowd.sent), crowd.sent, "faults are incidents of their own")


async def provider_failover(ground: Ground) -> Measured:
    """The model does not answer: each incident is decided by the rules all the same, and says that it was asked."""
    crowd = await ground.crowd(DEAD)
    decided = len(crowd.alone_s) + len(crowd.crowd_s)
    evidence: JsonObject = {"asked": crowd.asked_model, "undecided": crowd.undecided}
    whole = decided + crowd.undecided
    figure = f"{decided} of {whole} decided by the rules; the dead model was asked {crowd.asked_model} times"
    return Measured(figure, crowd.undecided == 0 and crowd.asked_model > 0, None, decided, evidence)


def _plain(tree: dict[str, object]) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in tree.items()}
