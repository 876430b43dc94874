"""The memory's word in the place of a model's, for a repeat of verified incidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kubernaut.domain.diagnosis import ActionCall, Diagnosis
from kubernaut.investigation.second_opinion import UNKNOWN, merge
from kubernaut.ports import Opinion

DECIDED_BY_MEMORY = "memory"


def decide_by_memory(diagnosis: Diagnosis, opinion: Opinion) -> Diagnosis:
    """The diagnosis as the rules have it where the memory knows the same cause; else with what it suggests.

    It confirms the cause that the rules suspect and changes nothing of it: no verdict and no confidence.
    """
    best = diagnosis.best
    if best is not None and best.cause != UNKNOWN:
        return replace(diagnosis, decided_by=DECIDED_BY_MEMORY)
    calls: Mapping[str, ActionCall] = {
        call.action: call for one in reversed(diagnosis.hypotheses) for call in reversed(one.remedies)
    }
    return replace(merge(diagnosis, opinion, calls), decided_by=DECIDED_BY_MEMORY)
