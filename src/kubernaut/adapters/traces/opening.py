"""The tracer of the settings. OpenTelemetry is imported only where one is wanted."""

from __future__ import annotations

from contextlib import AsyncExitStack
from importlib.metadata import version

from kubernaut.domain.errors import SettingsError
from kubernaut.ports import Tracer
from kubernaut.settings import TracesSettings


def open_tracer(settings: TracesSettings, replica: str, closing: AsyncExitStack) -> Tracer | None:
    """The tracer, closed with the stack; None where no endpoint is set. Raises `SettingsError` without the extra."""
    if settings.endpoint is None:
        return None
    try:
        from kubernaut.adapters.traces.otlp import OtlpTracer  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        raise SettingsError(
            "traces.endpoint is set, and OpenTelemetry is not installed", help="pip install 'kubernaut[traces]'"
        ) from error
    tracer = OtlpTracer(settings.endpoint, version=version("kubernaut"), replica=replica)
    closing.push_async_callback(tracer.aclose)
    return tracer
