"""Container logs: the run that is on, and the one before."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from kubernaut.sandbox.shapes import micro_stamp

_KEPT_LINES = 2000


class Log:
    """The lines of one run."""

    def __init__(self) -> None:
        self._lines: deque[tuple[datetime, str]] = deque(maxlen=_KEPT_LINES)

    def add(self, at: datetime, *lines: str) -> None:
        """Appends the lines."""
        self._lines.extend((at, line) for line in lines)

    def lines(self) -> list[tuple[datetime, str]]:
        """All kept lines with their times."""
        return list(self._lines)


def render_log(
    log: Log,
    *,
    tail: int | None = None,
    since: datetime | None = None,
    timestamps: bool = False,
    limit: int | None = None,
) -> str:
    """The log's text as the API gives it."""
    lines = [entry for entry in log.lines() if since is None or entry[0] >= since]
    if tail is not None:
        lines = lines[len(lines) - min(tail, len(lines)) :]
    texts = [f"{micro_stamp(at)} {line}" if timestamps else line for at, line in lines]
    text = "".join(f"{line}\n" for line in texts)
    return text if limit is None else text.encode()[:limit].decode(errors="ignore")
