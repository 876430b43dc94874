"""The check of availability: alerts accepted and never lost, of those sent, while the service is killed and cut off."""

from __future__ import annotations

from kubernaut.domain.objects import JsonObject
from kubernaut.domain.shares import wilson_interval
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.soak import Soaked
from kubernaut.entrypoints.readiness.verdicts import Measured

_GOAL = 0.999
_CHANCE = 0.05


async def stays_available(ground: Ground) -> Measured:
    """The soak, judged."""
    return judged(await ground.soaked())


def judged(soaked: Soaked) -> Measured:
    """Short where one alert was acknowledged and is not there, or fewer than 99.9 % were taken and kept."""
    sent, lost = len(soaked.sent), len(soaked.lost)
    if not sent:
        return Measured("no alert was sent", reached=False, value=None, n=0, evidence={})
    value, (low, _) = soaked.kept / sent, wilson_interval(soaked.kept, sent)
    words = (
        f"{100 * value:.2f} % of {sent:,} taken and kept (at least {100 * low:.2f} %), {lost} lost; "
        f"{len(soaked.faults)} faults, {100 * soaked.at_once / sent:.0f} % at the first try"
    )
    return Measured(words, lost == 0 and value >= _GOAL, value, sent, _evidence(soaked, low), note(soaked))


def note(soaked: Soaked) -> str:
    """What so short a soak proves, and what it does not."""
    sent, faults = len(soaked.sent), len(soaked.faults)
    low, _ = wilson_interval(soaked.kept, sent)
    harmless = 1 - _CHANCE ** (1 / faults) if faults else 1.0
    return (
        f"{soaked.seconds:.0f} s with {faults} faults. The bound of {100 * low:.2f} % takes {sent:,} alerts as "
        f"independent; those of one fault share its fate, and {faults} faults without a loss leave room for up to "
        f"{100 * harmless:.0f} % of such faults to lose something (1 - 0.05^(1/{faults})). Not every moment answers: "
        f"an alert waited up to {soaked.longest_wait_s:.1f} s and was sent again, as Alertmanager does. Nothing is "
        "proved of months, of a lost disk or node, of PostgreSQL or of several replicas. Longer: --soak 1800."
    )


def _evidence(soaked: Soaked, low: float) -> JsonObject:
    waits = sorted(one.acknowledged_s - one.at_s for one in soaked.acknowledged if one.acknowledged_s is not None)
    return {
        "seconds": round(soaked.seconds, 1),
        "sent": len(soaked.sent),
        "acknowledged": len(soaked.acknowledged),
        "kept": soaked.kept,
        "lost": [*soaked.lost],
        "never_taken": [one.number for one in soaked.sent if one.acknowledged_s is None],
        "low": low,
        "attempts": sum(one.attempts for one in soaked.sent),
        "at_first_try": soaked.at_once,
        "wait_s": {"median": waits[len(waits) // 2], "longest": waits[-1]} if waits else None,
        "faults": [{"fault": name, "at_s": at} for name, at in soaked.faults],
        "starts": soaked.starts,
        "states": {**soaked.states},
        "events": soaked.events,
        "chain_is_whole": soaked.chain_is_whole,
        "service_cpu_s": round(soaked.cpu_s, 1),
    }
