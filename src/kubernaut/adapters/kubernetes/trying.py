"""A writer that only tries: what shadow mode has in place of one that writes."""

from __future__ import annotations

from collections.abc import Callable

from kubernaut.domain.changes import Change
from kubernaut.domain.errors import ChangeRejected
from kubernaut.domain.objects import KubeObject
from kubernaut.ports import ClusterWriter


class TryingWriter:
    """`ClusterWriter` for dry runs alone: planning proposes only, and whatever else asks for a write is refused here.

    That holds for a person's undo too.
    """

    def __init__(self, writer: ClusterWriter) -> None:
        self._writer = writer

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        """The object as it would be; raises `ChangeRejected` for what is no dry run."""
        if not dry_run:
            raise ChangeRejected(
                f"{change.target} is not changed: this installation only proposes", help="set policy.shadow to false"
            )
        return await self._writer.write(change, dry_run=True, warned=warned)
