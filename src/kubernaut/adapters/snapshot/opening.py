"""From a path to a snapshot: each file goes to the reader of its kind of source."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kubernaut.adapters.snapshot.archives import SavedFile, files_of
from kubernaut.adapters.snapshot.contents import Collection, Snapshot
from kubernaut.adapters.snapshot.logs import add_log, key_of_path, take_dumped_logs
from kubernaut.adapters.snapshot.manifest import MANIFEST, read_manifest
from kubernaut.adapters.snapshot.objects import add_objects, json_documents, yaml_documents
from kubernaut.adapters.snapshot.owners import with_named_owners
from kubernaut.adapters.snapshot.terminal import decoded, is_marked, undressed
from kubernaut.adapters.snapshot.transcript import (
    Transcript,
    begins_with_command,
    holds_more_than_objects,
    is_transcript,
)
from kubernaut.domain.errors import SnapshotError
from kubernaut.domain.objects import Json

_HELP: Final = (
    "kubernaut snapshot -o FILE.tar.gz            captures a cluster\n"
    "kubectl cluster-info dump -A --output-directory DIR\n"
    "kubectl get all,events,cm -n NAMESPACE -o yaml > FILE.yaml"
)
_YAML: Final = re.compile(r"(?:apiVersion|kind|items|metadata|spec|status|data):")
_LOOKED_AT: Final = 64 * 2**10
_MOST_NOTES: Final = 50


def read_snapshot(path: Path) -> Snapshot:
    """The saved cluster. Raises `SnapshotError`, which names the file, where there is none or it cannot be taken."""
    collection = Collection(path.name or str(path))
    transcript = Transcript()
    refused: list[SnapshotError] = []
    count = 0
    for file in files_of(path):
        count += 1
        collection.saved_at = max(collection.saved_at, file.saved_at)
        try:
            if not _take(collection, transcript, file):
                refused.append(_nothing(file.name))
        except SnapshotError as error:
            refused.append(error)
    collection.objects = with_named_owners(collection.objects, collection.whole)
    transcript.finish(collection)
    if collection.is_empty:
        raise _named(path, refused[0]) if count == 1 and refused else _nothing(str(path))
    if refused:
        collection.notes += [f"passed over {error}" for error in refused[:_MOST_NOTES]]
    return collection.finished()


def _nothing(name: str) -> SnapshotError:
    return SnapshotError(f"{name}: no saved objects, no logs and no `$ kubectl` transcript in it", help=_HELP)


def _named(path: Path, error: SnapshotError) -> SnapshotError:
    """The error with the path that was given: what failed may be a file in an archive."""
    return error if path.name in str(error) else SnapshotError(f"{path}: {error}", help=error.help)


def _take(collection: Collection, transcript: Transcript, file: SavedFile) -> bool:
    """Whether anything was found in the file."""
    name = file.name.lower()
    if name.rpartition("/")[2] == MANIFEST:
        read_manifest(collection, file)
        return True
    key = key_of_path(file.name)
    if key is not None:
        add_log(collection, key, decoded(file.content))
        return True
    if b"\0" in file.content[:_LOOKED_AT] and not is_marked(file.content):
        return False
    return _take_text(collection, transcript, file.name, undressed(decoded(file.content)))


def _take_text(collection: Collection, transcript: Transcript, name: str, text: str) -> bool:
    before = len(collection.logs)
    if "==== START logs for container" in text:
        text = take_dumped_logs(collection, text)
    form = _form_of(name, text)
    try:
        if form is not None and add_objects(collection, name, form(name, text.encode(errors="replace"))) > 0:
            return True
    except SnapshotError:
        # A ticket may begin with a line like `status: open`, and a pasted object may be cut off.
        if not holds_more_than_objects(text):
            raise
    if is_transcript(text):
        transcript.read(name, text)
        return True
    return len(collection.logs) > before


def _form_of(name: str, text: str) -> Callable[[str, bytes], list[Json]] | None:
    """How to read what looks like saved objects, None where it looks like something else."""
    if text.lstrip()[:1] in ("{", "[") and not _is_pasted(text):
        return json_documents
    return yaml_documents if text.strip() and (name.endswith((".yaml", ".yml")) or _is_yaml(text)) else None


def _is_yaml(text: str) -> bool:
    """Whether its first line that is no comment begins an object."""
    lines = (line for line in text[:_LOOKED_AT].splitlines() if line.strip() and not line.startswith(("#", "---")))
    return _YAML.match(next(lines, "")) is not None


def _is_pasted(text: str) -> bool:
    """Whether what begins like JSON is a prompt such as `[root@host ~]# kubectl get pods`."""
    return begins_with_command(text)
