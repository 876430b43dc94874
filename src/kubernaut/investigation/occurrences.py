"""The events that were read, by the object that they are about."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.facts import event_time
from kubernaut.investigation.questions import Key, Questions

# A controller that is refused for hours leaves thousands about one object; the newest tell all that is current.
_MOST_EVENTS = 100
# Where the events of nodes, volumes and other objects without a namespace are kept.
_PLACE_OF_CLUSTER_WIDE_EVENTS = "default"
_BEGINNING = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


class Occurrences:
    """Events by object, put in order only where somebody looks at them."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._events: dict[Key, list[KubeObject]] = defaultdict(list)
        self._sorted: set[Key] = set()
        self._pods_told_of: dict[str, list[Key]] = defaultdict(list)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self._events.values()))

    def add(self, event: KubeObject) -> None:
        """Takes in an event."""
        about = event.regarding
        # Events of a node carry no namespace, or `default`, where they are kept.
        key = (about.kind, "" if about.kind == "Node" else about.namespace, about.name)
        if about.kind == "Pod" and key not in self._events:
            self._pods_told_of[about.namespace].append(key)
        self._events[key].append(event)
        self._sorted.discard(key)

    def of(self, item: KubeObject, *reasons: str) -> list[KubeObject]:
        """The events about this very object, newest first, with those reasons where some are given."""
        self._questions.want("Event", item.namespace or _PLACE_OF_CLUSTER_WIDE_EVENTS)
        found = self._newest((item.kind, item.namespace, item.name))
        # A kubelet writes the node's name as its uid.
        if item.uid and item.kind != "Node":
            found = [entry for entry in found if entry.text("involvedObject", "uid") in ("", item.uid)]
        return [entry for entry in found if not reasons or entry.text("reason") in reasons]

    def _newest(self, key: Key) -> list[KubeObject]:
        known = self._events.get(key, [])
        if key not in self._sorted:
            self._sorted.add(key)
            known.sort(key=lambda entry: event_time(entry) or _BEGINNING, reverse=True)
            del known[_MOST_EVENTS:]
        return known

    def reasons_of_pods_named(self, namespace: str, prefix: str) -> dict[str, set[str]]:
        """For each pod whose name begins so, perhaps gone by now: the reasons of the events about it."""
        self._questions.want("Event", namespace)
        return {
            key[2]: {entry.text("reason") for entry in self._newest(key)}
            for key in self._pods_told_of.get(namespace, ())
            if key[2].startswith(prefix)
        }

    def of_pods_named(self, namespace: str, prefix: str, *reasons: str) -> list[KubeObject]:
        """The events with those reasons about pods whose name begins so, perhaps gone by now."""
        return [
            entry
            for key in self._pods_told_of.get(namespace, ())
            if key[2].startswith(prefix)
            for entry in self._events[key]
            if entry.text("reason") in reasons
        ]
