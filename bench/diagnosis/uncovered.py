"""The rows of the fault catalogue that have no case, and why."""

from __future__ import annotations

from bench.diagnosis.cases import FAULTS
from kubernaut.domain.objects import JsonObject

_REASONS: dict[int, str] = {
    69: "a kube-proxy of another image that runs and forwards unevenly: nothing but its users tells it from a good one",
}
_ROWS = range(1, 114)


def not_covered() -> list[JsonObject]:
    """One entry a row without a case."""
    covered = {fault.row for fault in FAULTS}
    return [{"row": row, "reason": _REASONS.get(row, "no case yet")} for row in _ROWS if row not in covered]
