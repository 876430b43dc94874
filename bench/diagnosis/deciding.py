"""Whether a ticket holds the facts that decided the diagnosis of the live cluster.

The live diagnosis cites its facts. A fact is in the ticket when every word in it that is the cluster's own (a name, a
quantity, a reason, the words of an event or a log: any that stands in one of its objects) stands in the ticket too.
That something is absent is in the ticket when a command listed all of that kind, or when the ticket says that it was
not found. What Prometheus measured is in no ticket. Nothing here knows how tickets are read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from kubernaut.adapters.snapshot.commands import find_kind
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.evidence import Evidence, EvidenceSource

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
# Which of several events that say the same was cited.
_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMED = re.compile(r"([a-z]+)/([a-z0-9.-]+)")
_SHORTEST = 4
Listed = tuple[str, str]
Words = frozenset[str]


def words_of(text: str) -> Words:
    """The words of a text, without the punctuation around them."""
    return frozenset(word.strip(".-") for word in _WORD.findall(_UID.sub("", text)))


def holds_deciding_facts(live: Diagnosis, ticket: str, listed: Collection[Listed], vocabulary: Words) -> bool:
    """Whether the ticket holds all that the live diagnosis rests on.

    `listed` are the (kind, namespace) lists that the ticket shows whole, with an empty namespace for all of them.
    """
    if live.best is None or not live.best.supporting:
        return False
    told = words_of(ticket)
    cited = [fact for fact in live.evidence if fact.id in live.best.supporting]
    return all(_is_held(fact, told, ticket, listed, vocabulary) for fact in cited)


def _is_held(fact: Evidence, told: Words, ticket: str, listed: Collection[Listed], vocabulary: Words) -> bool:
    if fact.source is EvidenceSource.METRIC:
        return False
    if fact.source is EvidenceSource.ABSENCE:
        return _is_seen_absent(fact, told, ticket, listed)
    words = words_of(fact.text)
    match fact.source:
        case EvidenceSource.LOG:
            return words <= told
        case EvidenceSource.EVENT:
            return all(word in told for word in words & vocabulary if len(word) >= _SHORTEST)
        case _:
            return all(word in told for word in words & vocabulary if _is_value(word))


def _is_value(word: str) -> bool:
    """A name, a quantity or a reason, and not a word of the sentence that the engine puts around them."""
    return len(word) > 1 and not (word.isalpha() and word.islower())


def _is_seen_absent(fact: Evidence, told: Words, ticket: str, listed: Collection[Listed]) -> bool:
    named = _NAMED.fullmatch(fact.ref)
    resource = find_kind(named[1]) if named else find_kind(fact.object.kind)
    if resource is None or {(resource.kind, fact.object.namespace), (resource.kind, "")} & set(listed):
        return resource is not None
    return named is not None and named[2] in told and "not found" in ticket


def listed_by(commands: Sequence[str]) -> Iterator[Listed]:
    """The lists that these commands of kubectl show to their end."""
    for command in commands:
        words = command.split()
        if words[0] != "get" or (len(words) > 2 and not words[2].startswith("-")):  # noqa: PLR2004  # `get pods NAME`
            continue
        place = "" if "-A" in words else words[words.index("-n") + 1] if "-n" in words else "default"
        for word in ("po,svc,deploy,rs,sts,ds,job,cj,hpa" if words[1] == "all" else words[1]).split(","):
            if (resource := find_kind(word)) is not None:
                yield resource.kind, place if resource.namespaced else ""
