"""What `kubernaut snapshot` prints: what is in the file, what is not, and the next command."""

from __future__ import annotations

from kubernaut.entrypoints.reports import CaptureReport
from kubernaut.entrypoints.terminal.escaping import visible, wrapped
from kubernaut.entrypoints.terminal.look import Look
from kubernaut.entrypoints.units import counted


def capture_lines(report: CaptureReport, look: Look) -> list[str]:
    """The whole output."""
    amount = f"{counted(report.objects, 'object')}, {counted(report.events, 'event')}, {counted(report.logs, 'log')}"
    hidden = f"{counted(report.redacted, 'value')} hidden" if report.redacted else "no value had to be hidden"
    size = max(1, round(report.bytes / 1024))
    lines = wrapped(f"Saved {amount} in {visible(report.path)}, {size} KiB; {hidden}.", look.width)
    if report.left_out:
        gaps = " · ".join(f"{visible(gap.what)} ({visible(gap.why)})" for gap in report.left_out)
        lines += wrapped(f"Not saved: {gaps}", look.width)
    lines.append(f"Look at it:   kubernaut diagnose --snapshot {visible(report.path)}")
    return [look.text(line) for line in lines]
