"""A finished incident becomes a pattern."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.diagnosis import ActionCall, Diagnosis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.learning.describing import describe, features
from kubernaut.ports import Embedder, PatternStore


@dataclass(frozen=True, slots=True)
class Finish:
    """How it ended: `call` is the strategy that was tried last, None where nothing was; `tokens` of models it took."""

    ending: Ending
    at: datetime
    call: ActionCall | None = None
    tokens: int = 0


async def remember(
    incident: Incident, diagnosis: Diagnosis | None, finish: Finish, *, embedder: Embedder, patterns: PatternStore
) -> Pattern:
    """The stored pattern. Doing it again replaces it, so a replayed step teaches nothing twice."""
    text = describe(incident, diagnosis)
    (vector,) = await embedder.embed([text])
    best = diagnosis.best if diagnosis else None
    pattern = Pattern(
        id=incident.id,
        text=text,
        cause=best.cause if best else "",
        action=finish.call.action if finish.call else "",
        ending=finish.ending,
        seconds=(finish.at - incident.started_at).total_seconds(),
        at=finish.at,
        embedder=embedder.name,
        vector=tuple(vector),
        namespace=incident.target.namespace,
        kind=incident.target.kind,
        parameters=finish.call.parameters if finish.call else {},
        features=tuple(feature for _, feature in features(incident, diagnosis)) if diagnosis else (),
        tokens=finish.tokens,
    )
    await patterns.add([pattern])
    return pattern
