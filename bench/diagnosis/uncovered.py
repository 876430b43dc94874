"""The rows of the fault catalogue that have no case, and why."""

from __future__ import annotations

from bench.diagnosis.cases import FAULTS
from kubernaut.domain.objects import JsonObject

_NO_CUSTOM = "an operator's own object is refused: neither the sandbox nor the reader serves custom resources"
_METRICS = "shows in the application's own metrics alone, and no object, event, log or series of the cluster tells it"
_HOST = "happens inside a node, and no object, event or log of the cluster tells it"
_REASONS: dict[int, str] = {
    51: _NO_CUSTOM,
    69: "a kube-proxy that runs and forwards unevenly: the objects differ only by the image",
    76: _NO_CUSTOM,
    100: f"lag of a queue {_METRICS}",
    102: f"overload after retries {_METRICS}",
    110: _HOST,
}
_ROWS = range(1, 114)


def not_covered() -> list[JsonObject]:
    """One entry a row without a case."""
    covered = {fault.row for fault in FAULTS}
    return [{"row": row, "reason": _REASONS.get(row, "no case yet")} for row in _ROWS if row not in covered]
