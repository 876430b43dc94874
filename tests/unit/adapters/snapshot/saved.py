"""Saved clusters for tests: a text or some files, read back."""

from __future__ import annotations

from pathlib import Path

from kubernaut.adapters.snapshot.contents import Snapshot
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.domain.objects import KubeObject, ObjectRef


def saved(folder: Path, **files: str | bytes) -> Snapshot:
    """The snapshot of a folder with these files; `_` in a name stands for its dot, `__` for a slash."""
    for name, content in files.items():
        path = folder / "saved" / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_snapshot(folder / "saved")


def pasted(folder: Path, text: str) -> Snapshot:
    """The snapshot of a transcript."""
    path = folder / "ticket.txt"
    path.write_text(text)
    return read_snapshot(path)


def found(snapshot: Snapshot, kind: str, namespace: str, name: str) -> KubeObject:
    """The one object of that kind and name."""
    refs = [ref for ref in snapshot.objects if (ref.kind, ref.namespace, ref.name) == (kind, namespace, name)]
    assert len(refs) == 1, sorted(map(str, snapshot.objects))
    return snapshot.objects[refs[0]]


POD = ObjectRef("v1", "Pod", "shop", "web-1")
