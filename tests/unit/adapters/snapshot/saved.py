"""Saved clusters for tests: a text or some files, read back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

from kubernaut.adapters.snapshot.contents import Snapshot
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.reader import SnapshotClock, SnapshotReader
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.diagnosing import survey
from kubernaut.investigation.gathering import BUDGET
from kubernaut.investigation.hearsay import Ticket
from kubernaut.investigation.inquiry import first_survey, inquire
from kubernaut.investigation.pasted import never_at_once, survey_of_ticket


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


def diagnosed(snapshot: Snapshot) -> list[Diagnosis]:
    """What `diagnose --snapshot` finds."""
    ticket = Ticket(snapshot.heard, snapshot.partial, snapshot.retold)
    overview = partial(survey_of_ticket, ticket=ticket) if snapshot.is_pasted else survey
    examine = partial(overview, asked_about=snapshot.asked_about)
    first = first_survey(snapshot.namespaces or ("",))
    looking = inquire(
        SnapshotReader(snapshot), SnapshotClock(snapshot.now), first, examine, replace(BUDGET, calls=1000)
    )
    found = asyncio.run(looking)[1]
    return list(map(never_at_once, found)) if snapshot.is_pasted else found
