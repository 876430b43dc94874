"""The ReplicaSets of a Deployment as its revisions: which one is the present, and what number the others have.

Tables tell neither. What is certain: the present revision's number is one above the highest of the others, so with a
single other one that has the number before. Where the numbers cannot be told, only the present one is handed out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from kubernaut.adapters.snapshot.described_workloads import REVISION
from kubernaut.adapters.snapshot.known import Key, Known
from kubernaut.adapters.snapshot.sightings import Fullness, has_template, put
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.domain.workloads import is_ready
from kubernaut.resources import DAEMON_SET, DEPLOYMENT, POD, REPLICA_SET, STATEFUL_SET

_LONGEST_NUMBER: Final = 9
_REPLICATED: Final = frozenset({DEPLOYMENT.kind, REPLICA_SET.kind, STATEFUL_SET.kind})


def settle_revisions(found: Mapping[Key, Known]) -> None:
    """Completes the ReplicaSets, and marks as vague those that cannot be judged."""
    sets: dict[tuple[str, str], list[Known]] = defaultdict(list)
    for known in found.values():
        owner = known.tree.controller
        if known.resource == REPLICA_SET and owner is not None:
            sets[(known.namespace, owner.name)].append(known)
        elif known.resource == REPLICA_SET and known.fullness is not Fullness.WHOLE:
            known.is_vague = not has_template(known.raw)
    begun = _begun(found)
    _date(sets, found)
    for (place, name), several in sets.items():
        if any(known.fullness is not Fullness.WHOLE for known in several):
            _settle(found.get((DEPLOYMENT.kind, place, name)), several, begun)


def count_pods(found: Mapping[Key, Known]) -> None:
    """How many pods an owner wants of which nothing else is told: at least those that are there."""
    counts: dict[Key, int] = defaultdict(int)
    ready: dict[Key, int] = defaultdict(int)
    for known in found.values():
        above = known if known.resource == POD else None
        while above is not None and (owner := above.tree.controller) is not None:
            key = (owner.kind, known.namespace, owner.name)
            counts[key] += 1
            ready[key] += is_ready(known.tree)
            above = found.get(key)
    for key, count in counts.items():
        owned = found.get(key)
        if owned is None or owned.fullness is not Fullness.NAMED:
            continue
        if key[0] == REPLICA_SET.kind and not owned.tree.has("status", "availableReplicas") and ready[key]:
            put(owned.raw, ("status", "availableReplicas"), ready[key])
        if key[0] == DAEMON_SET.kind:
            put(owned.raw, ("status", "desiredNumberScheduled"), count)
        elif not owned.tree.has("spec", "replicas") and key[0] in _REPLICATED:
            put(owned.raw, ("spec", "replicas"), count)


def _date(sets: Mapping[tuple[str, str], list[Known]], found: Mapping[Key, Known]) -> None:
    """A ReplicaSet beside others that only its pods tell of: it is as old as the oldest of them, or older."""
    oldest: dict[Key, str] = {}
    for known in found.values():
        owner = known.tree.controller if known.resource == POD else None
        made = known.tree.text("metadata", "creationTimestamp")
        if owner is not None and made:
            key = (owner.kind, known.namespace, owner.name)
            oldest[key] = min(oldest.get(key, made), made)
    for several in sets.values():
        for known in several if len(several) > 1 else ():
            made = oldest.get((REPLICA_SET.kind, known.namespace, known.name), "")
            if made and not known.tree.has("metadata", "creationTimestamp"):
                put(known.raw, ("metadata", "creationTimestamp"), made)


def _begun(found: Mapping[Key, Known]) -> dict[Key, str]:
    """For each ReplicaSet, when its newest pod was made: a set that only pods name has no time of its own."""
    newest: dict[Key, str] = {}
    for known in found.values():
        owner = known.tree.controller if known.resource == POD else None
        if owner is not None:
            key = (owner.kind, known.namespace, owner.name)
            newest[key] = max(newest.get(key, ""), known.tree.text("metadata", "creationTimestamp"))
    return newest


def _settle(deployment: Known | None, several: list[Known], begun: Mapping[Key, str]) -> None:
    ranked = sorted(several, key=lambda known: _order(known, begun), reverse=True)
    present, others = ranked[0], ranked[1:]
    told = _number(deployment) if deployment else 0
    number = _number(present) or told
    put(present.raw, ("metadata", "annotations", REVISION), str(number))
    template = deployment.tree.tree("spec", "template").raw if deployment and has_template(deployment.raw) else None
    is_paused = deployment is not None and deployment.tree.flag("spec", "paused")
    if template is not None and not is_paused and not has_template(present.raw):
        put(present.raw, ("spec", "template"), _stamped(present, Tree(template)))
    unnumbered = [known for known in others if not _number(known)]
    if number > 1 and len(others) == len(unnumbered) == 1:
        put(others[0].raw, ("metadata", "annotations", REVISION), str(number - 1))
    # A template that is not shown is known to be another one: its hash is. It is handed out without any.
    told_of = [known for known in ranked if has_template(known.raw)]
    if any(_is_partial(known.raw) for known in told_of) and len(told_of) > 1:
        for known in told_of:
            put(known.raw, ("spec", "template"), _images(known.raw))


def _order(known: Known, begun: Mapping[Key, str]) -> tuple[int, bool, str]:
    """Its number where it is told; else a set that should have pods is later than one that should have none."""
    made = known.tree.text("metadata", "creationTimestamp")
    key = (known.resource.kind, known.namespace, known.name)
    has_pods = known.tree.integer("spec", "replicas") > 0 or key in begun
    return _number(known), has_pods, made or begun.get(key, "")


def _number(known: Known) -> int:
    text = known.tree.annotations.get(REVISION, "")
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else 0


def _stamped(known: Known, template: Tree) -> JsonObject:
    labels: JsonObject = {**template.mapping("metadata", "labels")}
    stamp = known.tree.labels.get("pod-template-hash", "")
    metadata: JsonObject = {
        **template.tree("metadata").raw,
        "labels": labels | ({"pod-template-hash": stamp} if stamp else {}),
    }
    return {"metadata": metadata, "spec": dict(template.tree("spec").raw)}


def _is_partial(raw: JsonObject) -> bool:
    """Whether only a table told it, which knows names and images."""
    return not Tree(raw).has("spec", "template", "metadata")


def _images(raw: JsonObject) -> JsonObject:
    containers: list[Json] = [
        {"name": container.text("name"), "image": container.text("image")}
        for container in Tree(raw).trees("spec", "template", "spec", "containers")
    ]
    return {"spec": {"containers": containers}}
