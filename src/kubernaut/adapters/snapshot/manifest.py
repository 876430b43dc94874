"""The manifest of a captured snapshot: when, of which cluster, what is in it and what is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from kubernaut.adapters.snapshot.archives import SavedFile
from kubernaut.adapters.snapshot.contents import Collection, Whole
from kubernaut.domain.errors import SnapshotError
from kubernaut.domain.evidence import NotRead
from kubernaut.domain.objects import Json, JsonObject, Tree

MANIFEST: Final = "kubernaut-snapshot.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """`whole` are the lists that were read to their end; `left_out` is what was wanted and is not in it."""

    now: datetime
    server: str
    scope: str
    made_by: str
    objects: int
    events: int
    logs: int
    redacted: int
    whole: frozenset[Whole] = frozenset()
    left_out: tuple[NotRead, ...] = field(default=())

    def as_json(self) -> JsonObject:
        """The document."""
        return {
            "format": FORMAT,
            "now": self.now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "server": self.server,
            "namespace": self.scope,
            "made_by": self.made_by,
            "objects": self.objects,
            "events": self.events,
            "logs": self.logs,
            "redacted_values": self.redacted,
            "whole": [{"kind": kind, "namespace": place} for kind, place in sorted(self.whole)],
            "left_out": [{"what": gap.what, "why": gap.why} for gap in self.left_out],
        }


def read_manifest(collection: Collection, file: SavedFile) -> None:
    """Takes in what the manifest knows and the files beside it do not."""
    try:
        document: Json = msgspec.json.decode(file.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(f"{file.name} is not JSON: {error}") from error
    tree = Tree(document if isinstance(document, dict) else {})
    if tree.integer("format") != FORMAT:
        raise SnapshotError(
            f"{file.name} has format {str(tree.at('format'))[:20]}, this program reads {FORMAT}",
            help="use the version of kubernaut that made it, or capture it again",
        )
    collection.now = tree.time("now")
    collection.version = tree.text("server")
    collection.whole |= {(entry.text("kind"), entry.text("namespace")) for entry in tree.trees("whole")}
    collection.notes += [f"not captured: {gap.text('what')}: {gap.text('why')}" for gap in tree.trees("left_out")]
