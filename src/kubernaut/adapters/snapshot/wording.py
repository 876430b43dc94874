"""Reasons and messages that a description leaves out, from events in which the same component says the same words.

The scheduler, the kubelet and the controllers put one text into the condition (or the state) and into the event;
`describe` prints only the event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from kubernaut.adapters.snapshot.known import Key, Known, name_unnamed
from kubernaut.adapters.snapshot.sightings import Fullness, put
from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.resources import POD, REPLICA_SET, STATEFUL_SET, VOLUME_CLAIM

_UNSTARTED: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_STATUSES: Final = ("initContainerStatuses", "containerStatuses")
_ASSIGNED: Final = re.compile(r"Successfully assigned \S+ to (\S+)")
_NOT_FOUND: Final = re.compile(r'\b(configmap|secret) "([^"]{1,253})" not found')
_NO_KEY: Final = re.compile(r"couldn't find key (\S+) in (ConfigMap|Secret) (?:[\w.-]+/)?([\w.-]+)")
# Of one container, in words that no other event uses.
_CONTAINER: Final = re.compile(
    r"restarting failed container ([a-z0-9][a-z0-9-]{0,62}) in pod|^Container ([a-z0-9][a-z0-9-]{0,62}) failed"
)
_IMAGE: Final = re.compile(r'(?:pull|pulling) image "([^"\s]{1,400})"')
PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff"})
_EXCEEDED: Final = "BackoffLimitExceeded"
Words = dict[tuple[str, str, str, str], tuple[str, str]]


def complete_words(found: dict[Key, Known], events: Sequence[JsonObject]) -> None:
    """Adds the words of events to the objects that the transcript shows without them."""
    words = _newest(events)
    _add_claims(found, words)
    _share_complaints(found, words)
    for (kind, place, name), known in found.items():
        if known.fullness is Fullness.WHOLE:
            continue

        def said(reason: str, at: tuple[str, str, str] = (kind, place, name)) -> str:
            return words.get((*at, reason), ("", ""))[1]

        if known.resource == POD:
            _tell_names(known, events)
            _tell_node(known, said("Scheduled"))
            _tell_pending(known, said("FailedScheduling"))
            _tell_unstarted(known, said("Failed"))
            _tell_reference(known, said("Failed") or said("FailedMount"))
        if said("FailedCreate"):
            _tell_refusal(found, known, words)
        if kind == "Job" and said(_EXCEEDED):
            _set_condition(known, {"type": "Failed", "status": "True", "reason": _EXCEEDED, "message": said(_EXCEEDED)})


def _add_claims(found: dict[Key, Known], words: Words) -> None:
    """The claims of a pod that waits for one of them, which are in no table: with a single one it is known which."""
    for (kind, place, name), known in list(found.items()):
        said = words.get((kind, place, name, "FailedScheduling"), ("", ""))[1]
        if kind != POD.kind or "unbound immediate PersistentVolumeClaims" not in said:
            continue
        volumes = known.tree.trees("spec", "volumes")
        claims = [claim for one in volumes if (claim := one.text("persistentVolumeClaim", "claimName"))]
        if not volumes:
            _mount_own(found, known)
        key = (VOLUME_CLAIM.kind, place, claims[0] if len(claims) == 1 else "")
        if key[2] and key not in found:
            metadata: JsonObject = {"name": key[2], "namespace": place}
            raw: JsonObject = {"apiVersion": "v1", "kind": VOLUME_CLAIM.kind, "metadata": metadata}
            raw["status"] = {"phase": "Pending"}
            found[key] = Known(VOLUME_CLAIM, place, key[2], raw, Fullness.NAMED)


def _mount_own(found: Mapping[Key, Known], known: Known) -> None:
    """The claims that a StatefulSet makes for its pod bear its name: the pod mounts them, where nothing shows it."""
    owner = known.tree.controller
    if owner is None or owner.kind != STATEFUL_SET.kind:
        return
    own = [name for kind, place, name in found if kind == VOLUME_CLAIM.kind and place == known.namespace]
    mounted: list[Json] = [
        {"name": name.removesuffix(f"-{known.name}"), "persistentVolumeClaim": {"claimName": name}}
        for name in own
        if name.endswith(f"-{known.name}")
    ]
    if mounted:
        put(known.raw, ("spec", "volumes"), mounted)


def _share_complaints(found: Mapping[Key, Known], words: Words) -> None:
    """What the kubelet says of one pod, for its siblings: pods of one owner are alike, and so are its complaints."""
    said: dict[tuple[str, str], tuple[str, str]] = {}
    for (kind, place, name, reason), told in words.items():
        known = found.get((kind, place, name))
        owner = known.tree.controller if known and kind == POD.kind else None
        if owner is not None and reason == "Failed" and told[1].startswith("Error: "):
            said[(place, owner.name)] = max(said.get((place, owner.name), ("", "")), told)
    for (kind, place, name), known in found.items():
        owner = known.tree.controller if kind == POD.kind else None
        shared = said.get((place, owner.name)) if owner else None
        is_waiting = any(
            status.text("state", "waiting", "reason") == "CreateContainerConfigError"
            for status in known.tree.trees("status", "containerStatuses")
        )
        if shared and is_waiting:
            words.setdefault((kind, place, name, "Failed"), shared)


def _newest(events: Sequence[JsonObject]) -> Words:
    """The last words about an object, by its kind, namespace and name and the event's reason."""
    words: Words = {}
    for event in events:
        tree = Tree(event)
        involved = tree.tree("involvedObject")
        key = (involved.text("kind"), involved.text("namespace"), involved.text("name"), tree.text("reason"))
        words[key] = max(words.get(key, ("", "")), (tree.text("lastTimestamp"), tree.text("message")))
    return words


def _tell_pending(known: Known, message: str) -> None:
    state = known.tree.condition("PodScheduled")
    is_bound = known.tree.has("spec", "nodeName") or (state is not None and state.text("status") == "True")
    if message and not is_bound:
        told: JsonObject = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        _set_condition(known, told)


def _tell_names(known: Known, events: Sequence[JsonObject]) -> None:
    """The name of a pod's one container and its image, which tables leave out and the kubelet's words hold."""
    for event in events:
        tree = Tree(event)
        about = tree.tree("involvedObject")
        if (about.text("kind"), about.text("namespace"), about.text("name")) != (POD.kind, known.namespace, known.name):
            continue
        message = tree.text("message")[:4000]
        if match := _CONTAINER.search(message):
            name_unnamed(known, match[1] or match[2])
        for wanted, seen in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
            containers, statuses = known.tree.trees("spec", wanted), known.tree.trees("status", seen)
            image = _IMAGE.search(message)
            is_pulling = [status.text("state", "waiting", "reason") in PULLING for status in statuses] == [True]
            if image and is_pulling and len(containers) == 1 and not containers[0].has("image"):
                put(known.raw, ("spec", wanted, 0, "image"), image[1])


def _tell_node(known: Known, message: str) -> None:
    match = _ASSIGNED.search(message)
    if match and not known.tree.has("spec", "nodeName"):
        put(known.raw, ("spec", "nodeName"), match[1])


def _tell_reference(known: Known, message: str) -> None:
    """What a pod asks for, where only the kubelet's complaint shows it: it complains of nothing else."""
    containers = known.tree.trees("spec", "containers")
    if known.fullness > Fullness.PART or any(container.has("env") for container in containers):
        return
    absent, keyless = _NOT_FOUND.search(message), _NO_KEY.search(message)
    if absent and "MountVolume" in message:
        source: JsonObject = {"secret": {"secretName": absent[2]}}
        if absent[1] == "configmap":
            source = {"configMap": {"name": absent[2]}}
        put(known.raw, ("spec", "volumes"), [{"name": "", **source}])
        return
    name = containers[0].text("name") if containers else ""
    if absent:
        field = "configMapRef" if absent[1] == "configmap" else "secretRef"
        put(known.raw, ("spec", "containers"), [{"name": name, "envFrom": [{field: {"name": absent[2]}}]}])
    elif keyless:
        field = "configMapKeyRef" if keyless[2].lower() == "configmap" else "secretKeyRef"
        reference: JsonObject = {"name": keyless[3], "key": keyless[1]}
        put(known.raw, ("spec", "containers"), [{"name": name, "env": [{"name": "", "valueFrom": {field: reference}}]}])


def _tell_unstarted(known: Known, message: str) -> None:
    """Only where one container waits so: with several, the event does not say which one it means."""
    waiting = [
        status.tree("state", "waiting").raw
        for listed in _STATUSES
        for status in known.tree.trees("status", listed)
        if status.text("state", "waiting", "reason") in _UNSTARTED
    ]
    if message.startswith("Error: ") and len(waiting) == 1 and isinstance(waiting[0], dict):
        waiting[0].setdefault("message", message.removeprefix("Error: "))


def _tell_refusal(found: Mapping[Key, Known], known: Known, words: Words) -> None:
    """That the API server refuses its pods: the controller says so while some are missing and none was made since."""
    key = (known.resource.kind, known.namespace, known.name)
    at, said = words[*key, "FailedCreate"]
    made_at = words.get((*key, "SuccessfulCreate"), ("", ""))[0]
    tree, message = known.tree, said.removeprefix("Error creating: ")
    owner = tree.controller
    maker = found.get((owner.kind, known.namespace, owner.name)) if owner else None
    is_short = tree.integer("status", "replicas") < tree.integer("spec", "replicas")
    is_told = maker is not None and _is_true(maker.tree, "ReplicaFailure")
    if (
        known.resource == REPLICA_SET
        and at >= made_at
        and (is_short or is_told)
        and not tree.condition("ReplicaFailure")
    ):
        told: JsonObject = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
        _set_condition(known, told)
    for one in (known, maker):
        state = one.tree.condition("ReplicaFailure") if one is not None else None
        if one is not None and state is not None and not state.text("message"):
            _set_condition(one, {**state.raw, "message": message})


def _is_true(item: KubeObject, kind: str) -> bool:
    """Whether the object says that the condition holds."""
    state = item.condition(kind)
    return state is not None and state.text("status") == "True"


def _set_condition(known: Known, told: JsonObject) -> None:
    others: list[Json] = [dict(one.raw) for one in known.tree.conditions() if one.text("type") != told["type"]]
    put(known.raw, ("status", "conditions"), [*others, told])
