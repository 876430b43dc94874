"""What the expressions of a strategy may look at: the object as it is, typed facts of the diagnosis, and no text.

The words of a summary, a log line or an event have no place here, so nobody who can write those can steer a strategy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from kubernaut.domain.diagnosis import ActionCall, Diagnosis, Hypothesis
from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.domain.ownership import keeper_of
from kubernaut.domain.plans import Trial
from kubernaut.planning.surveying import is_stateful

NAMES = frozenset({"cause", "confidence", "evidence", "last", "object", "remedies", "remedy", "target"})
FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "target": frozenset({"kind", "namespace", "name", "labels", "replicas", "stateful", "keeper"}),
        "last": frozenset({"action", "outcome"}),
    }
)


def facts_of(
    diagnosis: Diagnosis, best: Hypothesis, item: KubeObject | None, trials: Sequence[Trial], now: datetime
) -> JsonObject:
    """The facts by the names that expressions use, but for `remedy`, which belongs to a step."""
    keeper = keeper_of(item) if item is not None else None
    last = trials[-1] if trials else None
    labels: JsonObject = dict(item.labels) if item else {}
    return {
        "cause": best.cause,
        "confidence": float(best.confidence),
        "target": {
            "kind": best.target.kind,
            "namespace": best.target.namespace,
            "name": best.target.name,
            "labels": labels,
            "replicas": item.integer("spec", "replicas") if item else 0,
            "stateful": is_stateful(best.target, item),
            "keeper": keeper.tool if keeper else "",
        },
        "object": _without_bookkeeping(item),
        "evidence": _evidence(diagnosis, best, now),
        "remedies": {call.action: dict(call.parameters) for call in reversed(best.remedies)},
        "last": {"action": last.call.action if last else "", "outcome": last.outcome.value if last else ""},
    }


def remedy_of(best: Hypothesis, action: str) -> ActionCall | None:
    """What the cause itself recommends by that action."""
    return next((call for call in best.remedies if call.action == action), None)


def _evidence(diagnosis: Diagnosis, best: Hypothesis, now: datetime) -> list[Json]:
    return [
        {
            "id": fact.id,
            "source": fact.source.value,
            "kind": fact.object.kind,
            "name": fact.object.name,
            "ref": fact.ref,
            "age_s": (now - fact.at).total_seconds() if fact.at else -1.0,
            "supports": fact.id in best.supporting,
        }
        for fact in diagnosis.evidence
    ]


def _without_bookkeeping(item: KubeObject | None) -> JsonObject:
    if item is None:
        return {}
    raw = dict(item.raw)
    metadata = raw.get("metadata")
    if isinstance(metadata, dict):
        raw["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    return raw
