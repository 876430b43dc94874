"""Writes a snapshot of a cluster: what a diagnosis reads, bounded and redacted, in one archive."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from kubernaut.adapters.snapshot.contents import LogKey, Whole
from kubernaut.adapters.snapshot.logs import path_of_log
from kubernaut.adapters.snapshot.manifest import MANIFEST, Manifest
from kubernaut.adapters.snapshot.redacting import Redaction
from kubernaut.domain.errors import ClusterError, InputError
from kubernaut.domain.evidence import NotRead
from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.ports import Clock, ClusterReader, Resource
from kubernaut.resources import LEASE, RESOURCES

_LEASES: Final = "kube-node-lease"
_AT_ONCE: Final = 8
_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
_STATUSES: Final = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


@dataclass(frozen=True, slots=True)
class CaptureBudget:
    """How much is captured at most."""

    objects: int = 20_000
    logs: int = 200
    log_lines: int = 2_000


@dataclass
class Captured:
    """What was read, redacted already."""

    redaction: Redaction = field(default_factory=Redaction)
    objects: dict[str, list[JsonObject]] = field(default_factory=dict)
    logs: dict[LogKey, str] = field(default_factory=dict)
    whole: set[Whole] = field(default_factory=set)
    left_out: list[NotRead] = field(default_factory=list)
    errors: list[ClusterError] = field(default_factory=list)


async def capture(
    reader: ClusterReader,
    clock: Clock,
    namespace: str,
    *,
    made_by: str,
    say: Callable[[str], None],
    budget: CaptureBudget = CaptureBudget(),  # a frozen value
) -> tuple[Manifest, Captured]:
    """The cluster as it is now: one namespace, or all where it is empty. Raises only where nothing can be read."""
    captured = Captured()
    now = clock.now()
    version = await _version(reader, captured)
    gate = asyncio.Semaphore(_AT_ONCE)
    say(f"Reading {namespace or 'all namespaces'}: {len(RESOURCES)} kinds")
    async with asyncio.TaskGroup() as group:
        for resource in RESOURCES:
            group.create_task(_list(reader, gate, resource, _place(resource, namespace), budget, captured))
    if not captured.objects and captured.errors:
        raise captured.errors[0]
    await _logs(reader, gate, budget, captured, say)
    counts = {kind: len(items) for kind, items in captured.objects.items()}
    manifest = Manifest(
        now=now,
        server=version,
        scope=namespace,
        made_by=made_by,
        objects=sum(counts.values()) - counts.get("events", 0),
        events=counts.get("events", 0),
        logs=len(captured.logs),
        redacted=captured.redaction.count,
        whole=frozenset(captured.whole),
        left_out=tuple(captured.left_out),
    )
    return manifest, captured


async def _version(reader: ClusterReader, captured: Captured) -> str:
    try:
        return await reader.version()
    except ClusterError as error:
        captured.left_out.append(NotRead("version of the server", str(error)))
        return ""


def _place(resource: Resource, namespace: str) -> str:
    if resource == LEASE:
        return _LEASES
    return namespace if resource.namespaced else ""


async def _list(
    reader: ClusterReader,
    gate: asyncio.Semaphore,
    resource: Resource,
    place: str,
    budget: CaptureBudget,
    captured: Captured,
) -> None:
    what = f"{resource.plural} of {place or 'all namespaces'}"
    try:
        async with gate:
            listing = await reader.list(resource, place, limit=budget.objects)
    except ClusterError as error:
        captured.errors.append(error)
        captured.left_out.append(NotRead(what, str(error).splitlines()[0]))
        return
    if listing.complete:
        captured.whole.add((resource.kind, place))
    else:
        captured.left_out.append(NotRead(what, f"only the first {len(listing.items)}, there are more"))
    captured.objects[resource.plural] = [captured.redaction.object(dict(item.raw)) for item in listing.items]


async def _logs(
    reader: ClusterReader,
    gate: asyncio.Semaphore,
    budget: CaptureBudget,
    captured: Captured,
    say: Callable[[str], None],
) -> None:
    """Of the containers that are not well, the newest pods first, and of as many others as there is room for.

    What runs well by all its states may still tell in its log why it serves nobody.
    """
    pods = [KubeObject(raw) for raw in captured.objects.get("pods", [])]
    pods.sort(key=lambda pod: pod.created_at or _NEVER, reverse=True)
    found = [(pod, status) for pod in pods for kind in _STATUSES for status in pod.trees("status", kind)]
    unwell = [(pod, status) for pod, status in found if _is_unwell(status)]
    well = [(pod, status) for pod, status in found if not _is_unwell(status) and status.has("state", "running")]
    chosen = [*unwell, *well][: budget.logs]
    for left, which in ((len(unwell) - budget.logs, "not well"), (len(unwell) + len(well) - budget.logs, "there")):
        if left > 0:
            captured.left_out.append(NotRead(f"logs of {left} containers", f"more than {budget.logs} are {which}"))
            break
    say(f"Reading the logs of {len(chosen)} containers, of which {min(len(unwell), budget.logs)} are not well")
    async with asyncio.TaskGroup() as group:
        for place, (pod, status) in enumerate(chosen):
            name, runs = status.text("name"), (False, True) if place < len(unwell) else (False,)
            for previous in runs:
                group.create_task(_log(reader, gate, pod, name, budget, captured, previous=previous))


def _is_unwell(status: Tree) -> bool:
    ended = status.tree("state", "terminated")
    return (
        status.integer("restartCount") > 0
        or (status.has("state", "running") and not status.flag("ready"))
        or ended.integer("exitCode") != 0
    )


async def _log(
    reader: ClusterReader,
    gate: asyncio.Semaphore,
    pod: KubeObject,
    container: str,
    budget: CaptureBudget,
    captured: Captured,
    *,
    previous: bool,
) -> None:
    try:
        async with gate:
            text = await reader.log(pod.ref, container, previous=previous, tail_lines=budget.log_lines)
    except ClusterError as error:
        run = ", previous run" if previous else ""
        captured.left_out.append(NotRead(f"log of {pod.ref} {container}{run}", str(error).splitlines()[0]))
        return
    if text is not None:
        captured.logs[(pod.namespace, pod.name, container, previous)] = captured.redaction.log(text)


def write_archive(path: Path, manifest: Manifest, captured: Captured) -> int:
    """How many bytes the archive has. It is readable by its owner alone, and there only once it is whole."""
    if path.exists():
        raise InputError(f"{path} exists already", help="give another name with -o, or remove it first")
    files = {MANIFEST: msgspec.json.format(msgspec.json.encode(manifest.as_json()), indent=2)}
    for plural, items in captured.objects.items():
        if items:
            files[f"objects/{plural}.json"] = msgspec.json.encode(items)
    for key, text in captured.logs.items():
        files[path_of_log(key)] = text.encode(errors="replace")
    try:
        return _write(path, files, int(manifest.now.timestamp()))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", help="give another place with -o") from error


def _write(path: Path, files: dict[str, bytes], moment: int) -> int:
    # mkstemp makes a file that only its owner can read.
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            with (
                gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=6, mtime=moment) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
            ):
                for inner, content in sorted(files.items()):
                    member = tarfile.TarInfo(f"kubernaut-snapshot/{inner}")
                    member.size, member.mtime, member.mode = len(content), moment, 0o600
                    archive.addfile(member, io.BytesIO(content))
            size = stream.tell()
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    return size
