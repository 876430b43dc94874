"""`diagnose`: looks at a live cluster and changes nothing; it holds no writer."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.ids import RandomIds
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.timing import TimingReader
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import InputError
from kubernaut.domain.objects import ObjectRef
from kubernaut.entrypoints.doors import DiagnosisRequest
from kubernaut.entrypoints.reports import DiagnosisReport, ReadCall
from kubernaut.intake import parse_webhook
from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.investigation.inquiry import first_look, first_survey, inquire
from kubernaut.investigation.scene import Scene
from kubernaut.planning.guards import MANAGED_LABEL
from kubernaut.resources import NAMESPACE
from kubernaut.settings import ClusterSettings
from kubernaut.triage.owners import top_owner
from kubernaut.triage.targets import target_of

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_LARGEST_ALERT = 8 * 2**20


async def look(request: DiagnosisRequest) -> DiagnosisReport:
    """The report on a namespace, on all of them, or on what an alert names."""
    settings = request.settings.cluster
    options = ClusterOptions(kubeconfig=settings.kubeconfig, context=settings.context or "")
    started = time.perf_counter()
    async with KubernetesApi(options) as api:
        reader = TimingReader(KubernetesReader(api))
        targets = await _targets(reader, request.alert) if request.alert else []
        first = first_look(targets) if request.alert else first_survey([request.namespace])
        examine = partial(_diagnoses, targets=targets) if request.alert else survey
        scene, diagnoses = await inquire(reader, SystemClock(), first | {(NAMESPACE, "")}, examine)
    return _report(scene, diagnoses, request, settings, api.server, reader, time.perf_counter() - started)


def _diagnoses(scene: Scene, *, targets: list[ObjectRef]) -> list[Diagnosis]:
    return [diagnose(scene, target) for target in targets]


async def _targets(reader: TimingReader, path: Path) -> list[ObjectRef]:
    content = await asyncio.to_thread(_content, path)
    clock, ids = SystemClock(), RandomIds()
    batch = parse_webhook(content, received_at=clock.now(), new_id=lambda: ids.new("sig"))
    named = [target_of(signal.labels) for signal in batch.signals]
    owners = [await top_owner(reader, target) for target in named if target is not None]
    if not owners:
        raise InputError(f"{path}: no alert in it names a Kubernetes object by its labels")
    return list(dict.fromkeys(owners))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_ALERT + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if len(content) > _LARGEST_ALERT:
        raise InputError(f"{path} is larger than 8 MiB", help="give one webhook body of Alertmanager")
    return content


def _report(
    scene: Scene,
    diagnoses: list[Diagnosis],
    request: DiagnosisRequest,
    settings: ClusterSettings,
    server: str,
    reader: TimingReader,
    seconds: float,
) -> DiagnosisReport:
    return DiagnosisReport(
        context=settings.context or server,
        scope=request.namespace,
        seconds=seconds,
        objects=scene.object_count,
        events=scene.event_count,
        logs=sum(what.startswith("log of") for what, _ in reader.calls),
        workloads=sum(len(scene.all(kind)) for kind in _WORKLOADS),
        diagnoses=tuple(diagnoses),
        managed=frozenset(item.name for item in scene.all("Namespace") if item.labels.get(MANAGED_LABEL) == "true"),
        reads=tuple(ReadCall(what, took) for what, took in reader.calls),
    )
