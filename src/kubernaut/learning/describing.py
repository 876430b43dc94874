"""An incident as the text that is embedded.

What tells one incident from another of the same kind (names, addresses, hashes, times) is taken out, since it would
make two occurrences of one fault less alike. The first line is the family: the alert's words and the kind of object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.evidence import Evidence, EvidenceId
from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import ObjectRef

_MOST_FACTS = 8
_LONGEST_FACT = 300

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TIME = re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?|\b\d\d:\d\d:\d\d\b")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_DIGEST = re.compile(r"\bsha\d+:[0-9a-f]{16,}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE)
_ADDRESS = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\d{1,2})?\b|\[?(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])\]?",
    re.IGNORECASE,
)
# What a ReplicaSet (and then the pod) appends to a name: the alphabet has no vowels, which words do.
_SUFFIX = re.compile(r"(?<=[a-z0-9])-[bcdfghjklmnpqrstvwxz2456789]{8,10}(?:-[bcdfghjklmnpqrstvwxz2456789]{5})?\b")
_SPACES = re.compile(r"\s+")


def describe(incident: Incident, diagnosis: Diagnosis | None) -> str:
    """The family on the first line, then what was found, without anything that only this occurrence has."""
    lines = [family(incident)]
    if diagnosis:
        best = diagnosis.best
        if best:
            known = _objects(incident, diagnosis, _facts(diagnosis))
            lines += [best.cause.replace("_", " "), normalise(best.summary, known)]
        lines += [feature for _, feature in features(incident, diagnosis)]
    return "\n".join(line for line in lines if line)


def features(incident: Incident, diagnosis: Diagnosis) -> list[tuple[EvidenceId, str]]:
    """The facts that the diagnosis rests on, each without anything that only this occurrence has."""
    facts = _facts(diagnosis)
    known = _objects(incident, diagnosis, facts)
    return [(fact.id, normalise(fact.text, known)[:_LONGEST_FACT]) for fact in facts[:_MOST_FACTS]]


def _facts(diagnosis: Diagnosis) -> tuple[Evidence, ...]:
    best = diagnosis.best
    return (diagnosis.cited(best) if best else ()) or diagnosis.evidence


def _objects(incident: Incident, diagnosis: Diagnosis, facts: Sequence[Evidence]) -> tuple[ObjectRef, ...]:
    return tuple({incident.target, incident.reported, diagnosis.target, *(fact.object for fact in facts)})


def family(incident: Incident) -> str:
    """The alert's words and the kind of the object: `kube pod crash looping, deployment`."""
    words = _CAMEL.sub(" ", incident.alert).replace("_", " ").lower()
    return f"{_SPACES.sub(' ', words).strip()}, {incident.target.kind.lower()}".removeprefix(", ")


def normalise(text: str, objects: tuple[ObjectRef, ...] = ()) -> str:
    """The text on one line; names of the objects become their kinds, passing values disappear."""
    # Longest first: the name of a workload is the start of the names of its pods.
    for ref in sorted(objects, key=lambda known: (-len(known.name), known)):
        for name, word in ((ref.name, ref.kind.lower()), (ref.namespace, "namespace")):
            if name:
                text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w])", word, text)
    for pattern in (_TIME, _UUID, _DIGEST, _ADDRESS, _SUFFIX):
        text = pattern.sub("", text)
    return _SPACES.sub(" ", text).strip()
