"""Reasons and messages that a description leaves out, from events in which the same component says the same words.

The scheduler, the kubelet and the controllers put one text into the condition (or the state) and into the event;
`describe` prints only the event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kubernaut.adapters.snapshot.assembling import Key, Known
from kubernaut.adapters.snapshot.sightings import Fullness, put
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.resources import POD

_UNSTARTED: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_STATUSES: Final = ("initContainerStatuses", "containerStatuses")
_EXCEEDED: Final = "BackoffLimitExceeded"
Words = dict[tuple[str, str, str, str], tuple[str, str]]


def complete_words(found: Mapping[Key, Known], events: Sequence[JsonObject]) -> None:
    """Adds the words of events to the objects that the transcript shows without them."""
    words = _newest(events)
    for (kind, place, name), known in found.items():
        if known.fullness is Fullness.WHOLE:
            continue

        def said(reason: str, at: tuple[str, str, str] = (kind, place, name)) -> str:
            return words.get((*at, reason), ("", ""))[1]

        if known.resource == POD:
            _tell_pending(known, said("FailedScheduling"))
            _tell_unstarted(known, said("Failed"))
        if said("FailedCreate"):
            _tell_condition(known, "ReplicaFailure", said("FailedCreate").removeprefix("Error creating: "))
        if kind == "Job" and said(_EXCEEDED):
            _set_condition(known, {"type": "Failed", "status": "True", "reason": _EXCEEDED, "message": said(_EXCEEDED)})


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


def _tell_condition(known: Known, kind: str, message: str) -> None:
    state = known.tree.condition(kind)
    if state is not None and not state.text("message"):
        _set_condition(known, {**state.raw, "message": message})


def _set_condition(known: Known, told: JsonObject) -> None:
    others: list[Json] = [dict(one.raw) for one in known.tree.conditions() if one.text("type") != told["type"]]
    put(known.raw, ("status", "conditions"), [*others, told])
