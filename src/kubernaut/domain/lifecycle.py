"""The states of an incident and the ways between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Phase(StrEnum):
    """Where an open incident is: the stage's noun."""

    TRIAGE = "triage"
    INVESTIGATION = "investigation"
    PLANNING = "planning"
    APPROVAL = "approval"
    EXECUTION = "execution"
    VERIFICATION = "verification"
    UNDOING = "undoing"
    IMPACT = "impact"
    LEARNING = "learning"
    CLOSED = "closed"


class Ending(StrEnum):
    """How an incident closed. Every incident ends in exactly one of these."""

    HEALED = "healed"
    UNDONE = "undone"
    ESCALATED = "escalated"
    DECLINED = "declined"
    SELF_RESOLVED = "self_resolved"
    NO_ACTION_NEEDED = "no_action_needed"
    BLOCKED = "blocked"
    FAILED = "failed"


# The endings after which the fault may well last, and people know of it.
LEFT_TO_PEOPLE = frozenset({Ending.UNDONE, Ending.ESCALATED, Ending.DECLINED, Ending.BLOCKED})

# The endings at which people are called, since what is left to do is theirs.
FOR_PEOPLE = frozenset({Ending.ESCALATED, Ending.UNDONE, Ending.BLOCKED, Ending.FAILED})

_P = Phase
# Every open phase may end: a conclusion can come anywhere (then `impact` follows), and so can a defect of ours, which
# must not leave an incident open for ever (then it closes as failed).
_ENDS = frozenset({_P.IMPACT, _P.CLOSED})
TRANSITIONS: Mapping[Phase, frozenset[Phase]] = MappingProxyType(
    {
        _P.TRIAGE: _ENDS | {_P.INVESTIGATION},
        _P.INVESTIGATION: _ENDS | {_P.PLANNING},
        _P.PLANNING: _ENDS | {_P.APPROVAL, _P.EXECUTION, _P.INVESTIGATION},
        _P.APPROVAL: _ENDS | {_P.EXECUTION},
        _P.EXECUTION: _ENDS | {_P.VERIFICATION, _P.INVESTIGATION},
        _P.VERIFICATION: _ENDS | {_P.UNDOING, _P.INVESTIGATION},
        _P.UNDOING: _ENDS | {_P.INVESTIGATION},
        _P.IMPACT: frozenset({_P.LEARNING, _P.CLOSED}),
        _P.LEARNING: frozenset({_P.CLOSED}),
        _P.CLOSED: frozenset(),
    }
)


def may_close(phase: Phase, ending: Ending) -> bool:
    """Whether an incident may end so from that phase: only a failure of ours skips what it was worth and taught."""
    return phase is Phase.LEARNING or (ending is Ending.FAILED and phase is not Phase.CLOSED)


def may_follow(before: Phase, after: Phase) -> bool:
    """Whether an incident may go from one phase to the other; staying is allowed, since a replayed step repeats it."""
    return before == after or after in TRANSITIONS[before]
