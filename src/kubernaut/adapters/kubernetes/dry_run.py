"""A writer that never writes."""

from __future__ import annotations

from kubernaut.domain.changes import Change
from kubernaut.domain.objects import KubeObject
from kubernaut.ports import ClusterWriter


class DryRun:
    """`ClusterWriter` that lets the API server check and answer every change, and store none."""

    def __init__(self, writer: ClusterWriter) -> None:
        self._writer = writer

    async def write(self, change: Change, *, dry_run: bool = True) -> KubeObject | None:  # noqa: ARG002
        """The object as it would be after the change."""
        return await self._writer.write(change, dry_run=True)
