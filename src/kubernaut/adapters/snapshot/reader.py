"""`ClusterReader` over a saved cluster. What was not saved is an error, never an empty answer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from kubernaut.adapters.memory.selectors import matches_fields, matches_labels
from kubernaut.adapters.snapshot.contents import Snapshot
from kubernaut.domain.errors import NotInSnapshot
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.ports import Listing, Resource, WatchEvent

LARGEST_LOG: Final = 256 * 2**10


class SnapshotClock:
    """The moment at which the snapshot was taken: ages and windows are judged as of then."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """That moment."""
        return self._now

    async def sleep(self, duration: timedelta) -> None:  # noqa: ARG002  # nothing happens in a saved cluster
        """Returns at once."""
        await asyncio.sleep(0)


class SnapshotReader:
    """Answers as the cluster would have answered at that moment, as far as it was saved."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._of_kind: dict[tuple[str, str, str], list[KubeObject]] = defaultdict(list)
        for item in (*(each for each in snapshot.objects.values() if each.kind != "Event"), *snapshot.events):
            version, place = item.text("apiVersion"), item.namespace
            for where in {"", place}:
                self._of_kind[(version, item.kind, where)].append(item)
        self._logged = {key[:3] for key in snapshot.logs}

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object, None where the whole list was saved and it is not in it."""
        found, gone = self._snapshot.objects.get(ref), (ref.kind, ref.namespace, ref.name) in self._snapshot.gone
        if found is None and not gone and not self._snapshot.covers(ref.kind, ref.namespace):
            raise NotInSnapshot("not in the snapshot")
        return found

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        """The objects of a kind, ordered by namespace and name; not complete where the list was not saved whole."""
        found = self._of_kind.get((resource.api_version, resource.kind, namespace), [])
        whole = self._snapshot.covers(resource.kind, namespace)
        gone = frozenset(
            (place, name)
            for kind, place, name in self._snapshot.gone
            if kind == resource.kind and namespace in ("", place)
        )
        if not found and not whole and not gone:
            raise NotInSnapshot("not in the snapshot")
        chosen = [item for item in found if matches_labels(item, labels) and matches_fields(item, fields)]
        return Listing(tuple(chosen[:limit]), "snapshot", complete=whole and len(chosen) <= limit, gone=gone)

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of that log; None where only the other run's was saved."""
        key = (pod.namespace, pod.name, container)
        if key not in self._logged:
            raise NotInSnapshot("not in the snapshot")
        text = self._snapshot.logs.get((*key, previous))
        if text is None:
            return None
        lines = text.splitlines(keepends=True)[-tail_lines:] if tail_lines > 0 else []
        return "".join(lines).encode()[-LARGEST_LOG:].decode(errors="replace")

    async def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """The objects there are, where no version is given; then nothing, for nothing changes any more."""
        if not resource_version:
            for item in (await self.list(resource, namespace)).items:
                yield WatchEvent("ADDED", item)

    async def may(self, verb: str, resource: Resource, namespace: str = "", *, subresource: str = "") -> bool:  # noqa: ARG002
        """Never: a saved cluster cannot be changed."""
        return False

    async def version(self) -> str:
        """The API server's version, empty where it was not saved."""
        return self._snapshot.version
