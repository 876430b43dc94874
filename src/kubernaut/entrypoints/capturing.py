"""`snapshot`: saves a live cluster for later, and changes nothing in it."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.snapshot.capture import capture, write_archive
from kubernaut.domain.errors import InputError
from kubernaut.entrypoints.doors import CaptureRequest
from kubernaut.entrypoints.reports import CaptureReport


async def save(request: CaptureRequest) -> CaptureReport:
    """What is in the file now."""
    if request.output.exists():
        raise InputError(f"{request.output} exists already", help="give another name with -o, or remove it first")
    settings = request.settings.cluster
    options = ClusterOptions(kubeconfig=settings.kubeconfig, context=settings.context or "")
    made_by = f"kubernaut {version('kubernaut')}"
    async with KubernetesApi(options) as api:
        manifest, captured = await capture(
            KubernetesReader(api), SystemClock(), request.namespace, made_by=made_by, say=request.say
        )
    request.say(f"Writing {request.output}")
    size = await asyncio.to_thread(write_archive, request.output, manifest, captured)
    return CaptureReport(
        path=str(request.output),
        bytes=size,
        objects=manifest.objects,
        events=manifest.events,
        logs=manifest.logs,
        redacted=manifest.redacted,
        taken_at=manifest.now,
        server=manifest.server,
        left_out=manifest.left_out,
    )
