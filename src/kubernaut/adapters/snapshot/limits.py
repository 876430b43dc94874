"""How much of a saved cluster is taken. What is handed in is untrusted: a bound that is passed is an error, said so."""

from __future__ import annotations

from typing import Final

from kubernaut.domain.errors import SnapshotError

MEBIBYTE: Final = 2**20
LARGEST_FILE: Final = 128 * MEBIBYTE
LARGEST_YAML: Final = 32 * MEBIBYTE
LARGEST_TRANSCRIPT: Final = 32 * MEBIBYTE
LARGEST_SNAPSHOT: Final = 1024 * MEBIBYTE
LARGEST_LOG: Final = 256 * 2**10
MOST_FILES: Final = 50_000
MOST_OBJECTS: Final = 300_000
DEEPEST: Final = 100

_HELP: Final = (
    "save less: one namespace (kubernaut snapshot -n NAMESPACE -o FILE.tar.gz), or only the files that matter"
)


def too_large(name: str, bound: int) -> SnapshotError:
    """The refusal of what has more bytes than are taken."""
    return SnapshotError(f"{name} is larger than {bound // MEBIBYTE} MiB", help=_HELP)


def too_many(name: str, what: str, bound: int) -> SnapshotError:
    """The refusal of what has more parts than are taken."""
    return SnapshotError(f"{name} holds more than {bound:,} {what}", help=_HELP)
