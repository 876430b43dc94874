"""How sure a finding is, from what was read: nobody claims a number.

    confidence = coverage x (1 - doubt) x penalty
    coverage   share of the lists the cause needs that were read to their end; one seen in part counts three quarters,
               one not read a quarter: what was seen is a fact whatever else there is
    doubt      1/2 to begin with, and halved by every independent source that agrees: two pods that tell the same are
               one source; a pod's status, an event, a log, a change and another kind of object are different ones
    penalty    halved by every fact that speaks against it

A finding that a single source supports thus has 0.75, with three that agree 0.94, and 0.47 when one fact contradicts.
"""

from __future__ import annotations

from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.scene import Scene
from kubernaut.resources import CLUSTER_WIDE

_PARTLY, _UNREAD = 0.75, 0.25


def coverage(scene: Scene, cause: Cause, namespace: str) -> float:
    """The share of the needed lists that were read whole; one seen in part counts less, one not read the least."""
    if not cause.needs:
        return 1.0
    places = [(kind, "" if kind in CLUSTER_WIDE else namespace) for kind in cause.needs]
    return sum(_read(scene, kind, place) for kind, place in places) / len(places)


def _read(scene: Scene, kind: str, place: str) -> float:
    if scene.covers(kind, place):
        return 1.0
    return _PARTLY if scene.all(kind, place) else _UNREAD


def independent_sources(finding: Finding) -> int:
    """How many sources agree."""
    # Kinds and not objects: a hundred pods of one template that say the same are one observation.
    return len({(fact.source, fact.object.kind) for fact in finding.supporting})


def confidence(scene: Scene, cause: Cause, finding: Finding, namespace: str) -> float:
    """The confidence in a finding, 0..1."""
    # No claim without evidence, however much was read.
    if not finding.supporting:
        return 0.0
    doubt = 0.5 ** (1 + independent_sources(finding))
    penalty = 0.5 ** len(finding.contradicting)
    return round(coverage(scene, cause, namespace) * (1 - doubt) * penalty, 4)
