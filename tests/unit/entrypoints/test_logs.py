"""Where log lines go."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from kubernaut.entrypoints.logs import configure_logs
from kubernaut.settings import LogSettings


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_line_goes_to_what_is_stderr_now_and_not_to_what_was_closed_since(monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", before)
    configure_logs(LogSettings())
    log = structlog.get_logger("test")
    log.warning("first")
    monkeypatch.setattr(sys, "stderr", now)
    told = before.getvalue()
    before.close()

    log.warning("second")

    assert "first" in told
    assert "second" in now.getvalue()


def test_a_line_below_the_level_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs(LogSettings(level="error", json_lines=True))

    structlog.get_logger("test").warning("small")

    assert written.getvalue() == ""


def test_a_line_that_cannot_be_written_stops_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    configure_logs(LogSettings())
    structlog.get_logger("test").warning("nobody hears this")
