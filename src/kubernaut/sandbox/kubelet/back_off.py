"""How long the kubelet waits before it tries again."""

from __future__ import annotations

FIRST_BACK_OFF_S = 10
LONGEST_BACK_OFF_S = 300


def back_off_s(failures: int) -> int:
    """How long to wait after that many failures: 10 s, doubled each time, at most five minutes."""
    return min(LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S << min(max(0, failures - 1), 10))
