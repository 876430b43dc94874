"""Logs: structlog to stderr, as text or as one JSON object a line."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

from kubernaut.settings import LogSettings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Stderr(io.TextIOBase):
    """Whatever is stderr when a line is written: a progress display or a test may take it over for a while.

    A line that cannot be written is left out: a full disk under the log, or a reader that went away, stops no work.
    """

    def write(self, text: str) -> int:
        with suppress(OSError):
            return sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def configure_logs(settings: LogSettings) -> None:
    """Puts the settings in force, once, before anything is logged."""
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        # The default one prints local variables, and secrets are among them.
        exception_formatter=structlog.dev.plain_traceback,
    )
    if settings.json_lines:
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", _Stderr())),
    )
