"""What is asked of a scene: what was read for it, what was tried in vain, and what is wanted still.

A list that was tried in vain is not wanted again, so that the reading comes to an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kubernaut.domain.measures import Asked
from kubernaut.resources import CLUSTER_WIDE

Key = tuple[str, str, str]
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked of a scene in vain: (kind, namespace) lists, logs as (namespace, pod, container), and metrics."""

    lists: frozenset[Place]
    logs: frozenset[Key]
    metrics: frozenset[Asked] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is wanted."""
        return bool(self.lists or self.logs or self.metrics)


class Questions:
    """The questions of one scene. `though_well` are logs that are wanted also of containers that are well."""

    def __init__(self) -> None:
        self.though_well: set[Key] = set()
        self._whole: set[Place] = set()
        self._tried: set[Place] = set()
        self._gone: set[Key] = set()
        self._logs_tried: set[Key] = set()
        self._lists: set[Place] = set()
        self._logs: set[Key] = set()
        self._metrics: set[Asked] = set()

    def answered(self, *, whole: Iterable[Place], tried: Iterable[Place], gone: Iterable[Key]) -> None:
        """Notes what was read to its end, what gave nothing or not all, and what is known not to be there."""
        self._whole.update(whole)
        self._tried.update(tried)
        self._gone.update(gone)

    def want(self, kind: str, namespace: str) -> None:
        """Asks for a list, unless it was read or tried."""
        # A question about a node is no reason to read a kind in all namespaces: whoever means that reads it at first.
        if not namespace and kind not in CLUSTER_WIDE:
            return
        if {(kind, namespace), (kind, "")} & (self._whole | self._tried):
            return
        self._lists.add((kind, namespace))

    def covers(self, kind: str, namespace: str, name: str) -> bool:
        """Whether the absence of that object is proven."""
        return bool({(kind, namespace), (kind, "")} & self._whole) or (kind, namespace, name) in self._gone

    def want_though_well(self, key: Key) -> None:
        """Means a log also where its container is well."""
        if key not in self.though_well:
            # Asked for before, it was left out as that of a container that is well.
            self.though_well.add(key)
            self._logs_tried.discard(key)

    def want_log(self, key: Key) -> None:
        """Asks for a log, unless it was tried."""
        if key not in self._logs_tried:
            self._logs.add(key)

    def logs_tried(self, keys: Iterable[Key]) -> None:
        """Notes logs that are not to be asked for again."""
        self._logs_tried.update(keys)

    def want_metric(self, asked: Asked) -> None:
        """Asks Prometheus."""
        self._metrics.add(asked)

    def take(self) -> Wanted:
        """What was asked for in vain since the last time."""
        wanted = Wanted(frozenset(self._lists), frozenset(self._logs), frozenset(self._metrics))
        self._lists.clear()
        self._logs.clear()
        self._metrics.clear()
        return wanted

    @contextmanager
    def unasked(self) -> Iterator[None]:
        """Lists that are asked for inside are nobody's question."""
        asked = set(self._lists)
        yield
        self._lists = asked
