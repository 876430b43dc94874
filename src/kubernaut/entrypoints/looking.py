"""`diagnose`: looks at a cluster, live or saved, and changes nothing; it holds no writer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.ids import RandomIds
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.timing import TimingReader
from kubernaut.adapters.prometheus.queries import prometheus_of
from kubernaut.adapters.snapshot.contents import Snapshot
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.reader import SnapshotClock, SnapshotReader
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import InputError, NotInSnapshot, SnapshotError
from kubernaut.domain.evidence import NotRead
from kubernaut.domain.objects import ObjectRef
from kubernaut.entrypoints.doors import DiagnosisRequest
from kubernaut.entrypoints.reports import DiagnosisReport, ReadCall
from kubernaut.execution.catalogue import discover
from kubernaut.execution.preflight import find_lacks
from kubernaut.intake import parse_webhook
from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.investigation.gathering import BUDGET, Lists
from kubernaut.investigation.hearsay import NO_TICKET, Ticket
from kubernaut.investigation.inquiry import first_look, first_survey, inquire
from kubernaut.investigation.pasted import never_at_once, survey_of_ticket
from kubernaut.investigation.scene import Scene
from kubernaut.planning.guards import MANAGED_LABEL
from kubernaut.ports import Clock, Metrics
from kubernaut.resources import NAMESPACE, RESOURCES
from kubernaut.settings import ClusterSettings
from kubernaut.triage.owners import top_owner
from kubernaut.triage.targets import target_of

_IN_A_NAMESPACE = re.compile(r"(\w+) in [a-z0-9.-]+|(namespace) [a-z0-9.-]+")
_LOGS = "logs"
# So many logs that could not be read are named one by one.
_FEW = 20
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_LARGEST_ALERT = 8 * 2**20
# A saved cluster has lists by namespace, and none of them costs a call.
_FROM_MEMORY = replace(BUDGET, calls=100_000)


async def look(request: DiagnosisRequest) -> DiagnosisReport:
    """The report on a namespace, on all of them, or on what an alert names."""
    if request.snapshot is not None:
        return await _look_back(request, request.snapshot)
    settings = request.settings.cluster
    options = ClusterOptions(kubeconfig=settings.kubeconfig, context=settings.context or "")
    async with KubernetesApi(options) as api, AsyncExitStack() as closing:
        metrics = prometheus_of(request.settings.prometheus)
        if metrics is not None:
            closing.push_async_callback(metrics.aclose)
        reader = TimingReader(KubernetesReader(api))
        return await _look(request, reader, SystemClock(), settings.context or api.server, metrics=metrics)


async def ask_rights(settings: ClusterSettings) -> list[str]:
    """The rights that the actions need and our account lacks, each in words."""
    options = ClusterOptions(kubeconfig=settings.kubeconfig, context=settings.context or "")
    async with KubernetesApi(options) as api:
        return [str(lack) for lack in await find_lacks(KubernetesReader(api), discover())]


async def _look_back(request: DiagnosisRequest, path: Path) -> DiagnosisReport:
    """The same, of a saved cluster, as of the moment it was saved."""
    snapshot = await asyncio.to_thread(read_snapshot, path)
    reader, clock = TimingReader(SnapshotReader(snapshot)), SnapshotClock(snapshot.now)
    try:
        report = await _look(request, reader, clock, f"snapshot {snapshot.title}", saved=snapshot)
    except NotInSnapshot as error:
        known = ", ".join(snapshot.namespaces[:20]) or "no namespace of its own"
        raise SnapshotError(f"{path} holds nothing of what was asked for", help=f"it shows: {known}") from error
    # All of them are of one scene, and lack the same.
    short: dict[int, tuple[NotRead, ...]] = {}
    for one in report.diagnoses:
        if id(one.not_read) not in short:
            short[id(one.not_read)] = by_kind(one.not_read)
    told = tuple(replace(one, not_read=short[id(one.not_read)]) for one in report.diagnoses)
    return replace(report, diagnoses=told, taken_at=snapshot.now, notes=snapshot.notes)


async def _look(
    request: DiagnosisRequest,
    reader: TimingReader,
    clock: Clock,
    where: str,
    *,
    metrics: Metrics | None = None,
    saved: Snapshot | None = None,
) -> DiagnosisReport:
    started = time.perf_counter()
    targets = await _targets(reader, request.alert) if request.alert else []
    # One list shows all namespaces of a cluster; a snapshot has lists of those that were looked into.
    places = (request.namespace,) if request.namespace or saved is None else saved.namespaces or ("",)
    first = first_look(targets) if request.alert else first_survey(places)
    budget, ticket = BUDGET, NO_TICKET
    examine: Callable[[Scene], list[Diagnosis]] = survey
    if saved is not None:
        # All of it costs nothing, and an owner that a get does not find may be named by its children.
        first |= first_survey(places) | _saved_lists(saved, request.namespace)
        budget = _FROM_MEMORY
        examine = partial(survey, asked_about=saved.asked_about)
    pasted = saved if saved is not None and saved.is_pasted else None
    if pasted is not None:
        ticket = Ticket(pasted.heard, pasted.partial, pasted.retold)
        examine = partial(survey_of_ticket, ticket=ticket, asked_about=pasted.asked_about)
    if request.alert:
        examine = partial(_diagnoses, targets=targets, ticket=ticket)
    scene, diagnoses = await inquire(reader, clock, first | {(NAMESPACE, "")}, examine, budget, metrics=metrics)
    if pasted is not None:
        diagnoses = list(map(never_at_once, diagnoses))
    return _report(scene, diagnoses, request, where, reader, time.perf_counter() - started)


def _saved_lists(saved: Snapshot, namespace: str) -> Lists:
    """Whatever was saved: of that namespace, or of all."""
    kinds = {resource.kind: resource for resource in RESOURCES}
    return frozenset(
        (kinds[kind], place)
        for kind, place in saved.lists
        if kind in kinds and (not namespace or place in ("", namespace))
    )


def _diagnoses(scene: Scene, *, targets: list[ObjectRef], ticket: Ticket) -> list[Diagnosis]:
    ticket.tell(scene)
    return [diagnose(scene, target) for target in targets]


async def _targets(reader: TimingReader, path: Path) -> list[ObjectRef]:
    content = await asyncio.to_thread(_content, path)
    clock, ids = SystemClock(), RandomIds()
    batch = parse_webhook(content, received_at=clock.now(), new_id=lambda: ids.new("sig"))
    named = [target_of(signal.labels) for signal in batch.signals]
    owners = [await _owner(reader, target) for target in named if target is not None]
    if not owners:
        raise InputError(f"{path}: no alert in it names a Kubernetes object by its labels")
    return list(dict.fromkeys(owners))


async def _owner(reader: TimingReader, target: ObjectRef) -> ObjectRef:
    try:
        return await top_owner(reader, target)
    except NotInSnapshot:
        # What a snapshot does not hold may exist: the diagnosis says that it could not be read.
        return target


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_ALERT + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if len(content) > _LARGEST_ALERT:
        raise InputError(f"{path} is larger than 8 MiB", help="give one webhook body of Alertmanager")
    return content


def by_kind(gaps: Sequence[NotRead]) -> tuple[NotRead, ...]:
    """The gaps with one entry for a kind that is missing in several namespaces for one reason, and for many logs."""
    found: dict[tuple[str, str], list[str]] = {}
    for gap in gaps:
        found.setdefault((_kind_of(gap.what), gap.why), []).append(gap.what)
    told: list[NotRead] = []
    for (kind, why), places in found.items():
        if kind == _LOGS and len(places) <= _FEW:
            told += [NotRead(place, why) for place in places]
        else:
            counted = f"{len(places)} logs" if kind == _LOGS else kind
            told.append(NotRead(places[0] if len(places) == 1 else counted, why))
    return tuple(told)


def _kind_of(what: str) -> str:
    if what.startswith("log of "):
        return _LOGS
    match = _IN_A_NAMESPACE.fullmatch(what)
    return (match[1] or f"{match[2]}s") if match else what


def _report(
    scene: Scene,
    diagnoses: list[Diagnosis],
    request: DiagnosisRequest,
    where: str,
    reader: TimingReader,
    seconds: float,
) -> DiagnosisReport:
    return DiagnosisReport(
        context=where,
        scope=request.namespace,
        seconds=seconds,
        objects=scene.object_count,
        events=scene.occurrences.count,
        logs=sum(what.startswith("log of") for what, _ in reader.calls),
        workloads=sum(len(scene.all(kind)) for kind in _WORKLOADS),
        diagnoses=tuple(diagnoses),
        managed=frozenset(item.name for item in scene.all("Namespace") if item.labels.get(MANAGED_LABEL) == "true"),
        not_read=by_kind(scene.not_read),
        reads=tuple(ReadCall(what, took) for what, took in reader.calls),
    )
