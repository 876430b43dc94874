"""From what a transcript says of objects to objects: joined, dated, linked to their owners, and none half known."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from kubernaut.adapters.snapshot.ages import before
from kubernaut.adapters.snapshot.known import Key, Known
from kubernaut.adapters.snapshot.occurrences import Told
from kubernaut.adapters.snapshot.revisions import count_pods, settle_revisions
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting, merged, put
from kubernaut.adapters.snapshot.slices import drop_doubles
from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree, parse_time
from kubernaut.resources import (
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    INGRESS,
    JOB,
    NETWORK_POLICY,
    POD,
    REPLICA_SET,
    RESOURCES,
    SERVICE,
    STATEFUL_SET,
)

# What has to be known of an object of that kind, and kinds of which only the whole object will do.
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "ConfigMap": ("data",),
        "Secret": ("data",),
        "EndpointSlice": ("endpoints",),
        "ResourceQuota": ("spec", "hard"),
        "NetworkPolicy": ("spec", "policyTypes"),
        "LimitRange": ("spec", "limits"),
        "StorageClass": ("provisioner",),
    }
)
_TOO_THIN: Final = frozenset({"ControllerRevision"})
_RESOURCE_OF_KIND: Final = {resource.kind: resource for resource in RESOURCES}
# The letters that the API server makes names of.
_SUFFIX: Final = "[bcdfghjklmnpqrstvwxz2456789]"
_OF_SET: Final = re.compile(rf"(.+)-({_SUFFIX}{{5}})")
_OF_DEPLOYMENT: Final = re.compile(rf"(.+)-({_SUFFIX}{{4,10}})")
_OF_UNSEEN_SET: Final = re.compile(rf"(.+)-({_SUFFIX}{{4,10}})-{_SUFFIX}{{5}}")
# Nobody gives a program a name of so many consonants and digits: that is a hash, and a Deployment made it.
_SHORTEST_HASH: Final = 7
_FEWEST_DIGITS: Final = 2
# A CronJob names its Jobs after the minute for which it makes them, counted from 1970.
_OF_SCHEDULED_JOB: Final = re.compile(rf"(.+-\d{{8}})-{_SUFFIX}{{5}}")
_OF_STATEFUL_SET: Final = re.compile(r"(.+)-(\d{1,6})")


def present_of(sightings: Sequence[Sighting], told: Sequence[Told] = ()) -> datetime | None:
    """The moment of the transcript: its newest time, or a time of making with the age that is told for it."""
    newest: datetime | None = None
    for one in told:
        if one.at is not None:
            newest = max(newest, one.at) if newest else one.at
    made: dict[Key, datetime] = {}
    for sighting in sightings:
        for moment in _times(sighting.raw):
            newest = max(newest, moment) if newest else moment
        created = parse_time(Tree(sighting.raw).text("metadata", "creationTimestamp"))
        if created is not None:
            made[(sighting.resource.kind, sighting.namespace or "", sighting.name)] = created
    started = {(one.resource.kind, one.namespace or "", one.name): at for one in sightings if (at := _started(one))}
    # A description of a pod tells when it started: that is when it was placed, perhaps long after it was made.
    placed = {(one.kind, one.namespace or "", one.name): one.seen.last for one in told if one.reason == "Scheduled"}
    for sighting in sightings:
        key = (sighting.resource.kind, sighting.namespace or "", sighting.name)
        age = placed.get(key) or sighting.ages.get(("metadata", "creationTimestamp"))
        created = made.get(key)
        newest = _after_restart(sighting, started.get(key), newest)
        if age is not None and created is not None and newest is not None:
            with suppress(OverflowError):
                newest = max(newest, created + timedelta(seconds=age.seconds))
    return newest


def _after_restart(sighting: Sighting, started: datetime | None, newest: datetime | None) -> datetime | None:
    """A table tells how long ago a container ended; when it was started again, a description may tell."""
    age = next((age for path, age in sighting.ages.items() if path[-1] == "finishedAt"), None)
    if age is None or started is None or newest is None:
        return newest
    with suppress(OverflowError):
        newest = max(newest, started + timedelta(seconds=age.seconds))
    return newest


def _started(sighting: Sighting) -> datetime | None:
    states = Tree(sighting.raw).trees("status", "containerStatuses")
    return states[0].time("state", "running", "startedAt") if len(states) == 1 else None


def _times(value: Json) -> Iterator[datetime]:
    if isinstance(value, dict):
        for key, item in value.items():
            moment = parse_time(item) if isinstance(item, str) and key.endswith(("Time", "Timestamp", "At")) else None
            if moment is not None:
                yield moment
            elif isinstance(item, dict | list):
                yield from _times(item)
    elif isinstance(value, list):
        for item in value:
            yield from _times(item)


def assembled(sightings: Iterable[Sighting], now: datetime, context: str) -> dict[Key, Known]:
    """The objects. `context` is the namespace of commands that name none."""
    grouped: dict[Key, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        place = context if sighting.namespace is None else sighting.namespace
        grouped[(sighting.resource.kind, place, sighting.name)].append(sighting)
    found = {key: _joined(key, several, now) for key, several in grouped.items()}
    drop_doubles(found)
    # Twice: an owner that one pod names may be the one that the name of another pod tells.
    for _ in range(2):
        for known in list(found.values()):
            _add_owners(found, known)
        _infer_owners(found)
    _link(found)
    _tell_pods(found)
    settle_revisions(found)
    _doubt_services(found)
    count_pods(found)
    return found


def _doubt_services(found: Mapping[Key, Known]) -> None:
    """A Service cannot be judged where neither its addresses nor the labels of the pods are shown."""
    unlabelled = {known.namespace for known in found.values() if known.resource == POD and not known.tree.labels}
    reached = {
        (known.namespace, known.tree.labels.get("kubernetes.io/service-name"))
        for known in found.values()
        if known.resource == ENDPOINT_SLICE
    }
    for known in found.values():
        if known.resource == SERVICE and known.namespace in unlabelled and known.tree.has("spec", "selector"):
            known.is_vague = (known.namespace, known.name) not in reached


def _joined(key: Key, several: list[Sighting], now: datetime) -> Known:
    fullest = max(sighting.fullness for sighting in several)
    if fullest is Fullness.WHOLE:
        several = [sighting for sighting in several if sighting.fullness is Fullness.WHOLE]
    several.sort(key=lambda sighting: sighting.fullness)
    raw = merged(_dated(sighting, now) for sighting in several)
    # When a table tells how old a pod is, that is its making; a description tells only its start.
    aged = next((one for one in several if ("metadata", "creationTimestamp") in one.ages), None)
    if key[0] == POD.kind and aged is not None and fullest is not Fullness.WHOLE:
        put(raw, ("metadata", "creationTimestamp"), _moment(aged, ("metadata", "creationTimestamp"), now))
    if fullest is not Fullness.WHOLE:
        _keep_restarts(raw, several, now)
    kind, place, name = key
    resource = several[0].resource
    metadata: JsonObject = {"name": name, **({"namespace": place} if place else {})}
    metadata |= dict(KubeObject(raw).tree("metadata").raw) | metadata
    whole: JsonObject = {**raw, "apiVersion": raw.get("apiVersion") or resource.api_version, "kind": kind}
    return Known(resource, place, name, {**whole, "metadata": metadata}, fullest)


def _keep_restarts(raw: JsonObject, several: Sequence[Sighting], now: datetime) -> None:
    """When a run ended, where a table tells it and a part of a description that tells more does not."""
    for one in several:
        for path in one.ages:
            run = Tree(raw).trees(*map(str, path[:2]))[:1] if path[-1] == "finishedAt" else []
            if (
                run
                and run[0].has("lastState", "terminated")
                and not run[0].has("lastState", "terminated", "finishedAt")
            ):
                put(raw, path, _moment(one, path, now))


def _dated(sighting: Sighting, now: datetime) -> JsonObject:
    raw = merged([sighting.raw])
    for path in sighting.ages:
        put(raw, path, _moment(sighting, path, now))
    return raw


def _moment(sighting: Sighting, path: tuple[str | int, ...], now: datetime) -> str:
    return before(now, sighting.ages[path])


def _infer_owners(found: Mapping[Key, Known]) -> None:
    """Owners by the names that controllers give, where both were seen; a description tells them itself."""
    for known in found.values():
        if known.fullness is Fullness.WHOLE or known.tree.controller is not None:
            continue
        owner = _named_after(found, known)
        if owner is not None:
            kind, name = owner
            reference: Json = {
                "apiVersion": _RESOURCE_OF_KIND[kind].api_version, "kind": kind, "name": name, "controller": True,
            }  # fmt: skip
            put(known.raw, ("metadata", "ownerReferences"), [reference])


def _named_after(found: Mapping[Key, Known], known: Known) -> tuple[str, str] | None:
    def is_there(kind: str, name: str) -> bool:
        return (kind, known.namespace, name) in found

    forms: Sequence[tuple[re.Pattern[str], tuple[str, ...]]] = ()
    if known.resource == REPLICA_SET:
        hashed = _OF_DEPLOYMENT.fullmatch(known.name)
        if hashed and _is_hash(hashed[2]):
            return DEPLOYMENT.kind, hashed[1]
        forms = ((_OF_DEPLOYMENT, (DEPLOYMENT.kind,)),)
    elif known.resource == POD:
        forms = ((_OF_STATEFUL_SET, (STATEFUL_SET.kind,)), (_OF_SET, (REPLICA_SET.kind, DAEMON_SET.kind, JOB.kind)))
    for form, kinds in forms:
        match = form.fullmatch(known.name)
        kind = next((kind for kind in kinds if match and is_there(kind, match[1])), None)
        if match and kind:
            return kind, match[1]
    unseen = _OF_UNSEEN_SET.fullmatch(known.name) if known.resource == POD else None
    if unseen and (is_there(DEPLOYMENT.kind, unseen[1]) or _is_hash(unseen[2])):
        put(known.raw, ("metadata", "labels", "pod-template-hash"), unseen[2])
        return REPLICA_SET.kind, f"{unseen[1]}-{unseen[2]}"
    scheduled = _OF_SCHEDULED_JOB.fullmatch(known.name) if known.resource == POD else None
    if scheduled:
        return JOB.kind, scheduled[1]
    numbered = _OF_STATEFUL_SET.fullmatch(known.name) if known.resource == POD else None
    return (STATEFUL_SET.kind, numbered[1]) if numbered else None


def _is_hash(text: str) -> bool:
    """Whether a Deployment made it: a Job of a CronJob has a number there, and people write words."""
    mixed = sum(map(str.isdecimal, text)) >= _FEWEST_DIGITS and not text.isdecimal()
    return not text.isdecimal() and (len(text) >= _SHORTEST_HASH or (len(text) == _SHORTEST_HASH - 1 and mixed))


def _add_owners(found: dict[Key, Known], known: Known) -> None:
    """The objects that are known only because others name them as their owner."""
    owner = known.tree.controller
    if owner is None or owner.kind not in _RESOURCE_OF_KIND:
        return
    stamped = known.tree.labels.get("pod-template-hash", "")
    names = [(owner.kind, owner.name)]
    if owner.kind == REPLICA_SET.kind and stamped and owner.name.endswith(f"-{stamped}"):
        names.append((DEPLOYMENT.kind, owner.name.removesuffix(f"-{stamped}")))
    for kind, name in names:
        key = (kind, known.namespace, name)
        if key not in found:
            resource = _RESOURCE_OF_KIND[kind]
            raw: JsonObject = {"apiVersion": resource.api_version, "kind": kind}
            identity = known.tree.owner
            is_named = identity is not None and bool(identity.uid) and (kind, name) == (owner.kind, owner.name)
            metadata: JsonObject = {"name": name, "namespace": known.namespace}
            raw["metadata"] = {**metadata, "uid": identity.uid} if identity and is_named else metadata
            found[key] = Known(resource, known.namespace, name, raw, Fullness.NAMED)
            _add_owners(found, found[key])


def _link(found: Mapping[Key, Known]) -> None:
    """Gives each object an identity within the transcript where its own is not known, and owners theirs."""
    for (kind, place, name), known in found.items():
        if not known.tree.uid:
            put(known.raw, ("metadata", "uid"), f"{place or '-'}/{kind.lower()}/{name}")
    for known in found.values():
        references = known.tree.tree("metadata").raw.get("ownerReferences")
        for reference in references if isinstance(references, list) else []:
            if isinstance(reference, dict) and not reference.get("uid"):
                tree = Tree(reference)
                owner = found.get((tree.text("kind"), known.namespace, tree.text("name")))
                if owner is not None:
                    reference["uid"] = owner.tree.uid


def _tell_pods(found: Mapping[Key, Known]) -> None:
    """What the ReplicaSet of a pod tells of it: the label that it stamps, and what its one container is made of."""
    for known in found.values():
        owner = known.tree.controller
        made_by = found.get((REPLICA_SET.kind, known.namespace, owner.name)) if owner else None
        if known.resource != POD or known.fullness is Fullness.WHOLE or made_by is None:
            continue
        top = made_by.tree.controller
        if top is not None and top.kind == DEPLOYMENT.kind and made_by.name.startswith(f"{top.name}-"):
            put(known.raw, ("metadata", "labels", "pod-template-hash"), made_by.name.removeprefix(f"{top.name}-"))
        if not known.tree.has("metadata", "labels") or known.fullness < Fullness.DESCRIBED:
            worn = made_by.tree.mapping("spec", "selector", "matchLabels")
            labels: JsonObject = {**made_by.tree.mapping("spec", "template", "metadata", "labels"), **worn}
            put(known.raw, ("metadata", "labels"), {**labels, **known.tree.labels})
        template = made_by.tree.trees("spec", "template", "spec", "containers")
        mine = known.tree.trees("spec", "containers")
        if len(template) == 1 and len(mine) == 1 and not mine[0].text("name"):
            put(known.raw, ("spec", "containers"), [dict(template[0].raw)])
            for status in known.tree.trees("status", "containerStatuses"):
                if isinstance(status.raw, dict):
                    status.raw["name"] = template[0].text("name")


def is_enough(known: Known) -> bool:
    """Whether so much is known that its absent fields do not tell something wrong.

    A ConfigMap without its keys would look as if it had none. A Service without its selector is one that somebody
    fills by hand, of which nothing is claimed.
    """
    if known.fullness is Fullness.WHOLE:
        return True
    if known.is_vague:
        return False
    kind = known.resource.kind
    path = _NEEDED.get(kind)
    if kind == INGRESS.kind:
        return known.tree.has("spec", "rules") or known.tree.has("spec", "ingressClassName")
    if kind == NETWORK_POLICY.kind:
        return known.tree.has("spec", "policyTypes")
    return kind not in _TOO_THIN and (path is None or known.tree.has(*path))


def is_sure(known: Known) -> bool:
    """Whether enough is known to count it among all there are: what nodes can take is not in a table."""
    return is_enough(known) and (known.resource.kind != "Node" or known.fullness >= Fullness.DESCRIBED)
