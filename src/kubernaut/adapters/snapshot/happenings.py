"""Objects that only events tell of: what the event says of the state it found its object in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from kubernaut.adapters.snapshot.ages import Age
from kubernaut.adapters.snapshot.commands import find_kind
from kubernaut.adapters.snapshot.known import Key
from kubernaut.adapters.snapshot.occurrences import Told
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting, Step
from kubernaut.domain.objects import JsonObject
from kubernaut.resources import NODE, POD

_CONTAINER: Final = re.compile(r"(?:restarting failed )?container[ =]+\"?([a-z0-9][a-z0-9-]{0,62})\"?")
_IMAGE: Final = re.compile(r'image "([^"\s]{1,400})"')
_PULL: Final = re.compile(r"pull(?:ing)? (?:and unpack )?image|ImagePullBackOff|ErrImagePull")
_REFUSED: Final = (
    (re.compile(r"^Error: .*(?:not found$|couldn't find key)"), "CreateContainerConfigError"),
    (re.compile(r"^Error: failed to (?:start|create) containerd? ?(?:task|container)"), "RunContainerError"),
    (re.compile(r"^Error: "), "CreateContainerError"),
)
_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FailedMount": "ContainerCreating",
        "FailedAttachVolume": "ContainerCreating",
        "FailedCreatePodSandBox": "ContainerCreating",
        "InspectFailed": "InvalidImageName",
        "ErrImageNeverPull": "ErrImageNeverPull",
    }
)
_GONE: Final = frozenset({"Killing", "TaintManagerEviction", "Preempted"})
_OVER: Final = frozenset({"Evicted"})


def only_in_events(told: Iterable[Told], known: Collection[Key], context: str) -> Iterator[Sighting]:
    """The objects of warnings that no other output shows, each as its newest event found it."""
    newest: dict[Key, list[Told]] = {}
    for one in told:
        place = context if one.namespace is None else one.namespace
        key = (one.kind, "" if one.kind == NODE.kind else place, one.name)
        if key not in known:
            newest.setdefault(key, []).append(one)
    for (kind, place, name), several in newest.items():
        resource = find_kind(kind)
        if resource is None or not any(one.type == "Warning" for one in several):
            continue
        several.sort(key=_age)
        raw = _pod(several) if resource == POD else _node(several) if resource == NODE else {}
        if raw is not None:
            begun = max((one.seen.first or one.seen.last for one in several), key=_seconds, default=None)
            ages: dict[tuple[Step, ...], Age] = {("metadata", "creationTimestamp"): begun} if begun else {}
            yield Sighting(resource, place, name, Fullness.NAMED, raw, ages)


def _age(told: Told) -> int:
    """The newest first; of two of one moment, the warning."""
    return 2 * _seconds(told.seen.last) + (told.type != "Warning")


def _seconds(age: Age | None) -> int:
    return age.seconds if age else 0


def _pod(several: list[Told]) -> JsonObject | None:
    """The pod, None where it has gone since."""
    if several[0].reason in _GONE:
        return None
    if several[0].reason in _OVER:
        return {"status": {"phase": "Failed", "reason": several[0].reason, "message": several[0].message}}
    waits, name = "", ""
    for one in several:
        match = _CONTAINER.search(one.message)
        name = name or (match[1] if match else "")
        waits = waits or _waits(one)
    if any(one.reason == "FailedScheduling" for one in several[:1]):
        return {"status": {"phase": "Pending"}}
    has_begun = waits == "CrashLoopBackOff"
    status: JsonObject = {"name": name, "ready": False, "restartCount": int(has_begun)}
    if waits:
        status["state"] = {"waiting": {"reason": waits}}
    elif any(one.reason == "Unhealthy" for one in several):
        status["state"] = {"running": {}}
    phase: JsonObject = {} if has_begun or not waits else {"phase": "Pending"}
    ready: JsonObject = {"type": "Ready", "status": "False"}
    image = next((match[1] for one in several if (match := _IMAGE.search(one.message))), "")
    return {
        "spec": {"containers": [{"name": name, **({"image": image} if image else {})}]},
        "status": {**phase, "conditions": [ready], "containerStatuses": [status]},
    }


def _waits(told: Told) -> str:
    """What its container waits in, as far as this event says."""
    if told.reason not in ("Failed", "BackOff"):
        return _STATES.get(told.reason, "")
    if _PULL.search(told.message):
        return "ImagePullBackOff"
    if told.reason == "BackOff":
        return "CrashLoopBackOff"
    return next((state for form, state in _REFUSED if form.search(told.message)), "")


def _node(several: list[Told]) -> JsonObject:
    reasons = [one.reason for one in several]
    if "NodeNotReady" in reasons and "NodeReady" not in reasons[: reasons.index("NodeNotReady")]:
        return {"status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}}
    return {}
