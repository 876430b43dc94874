"""The one word, icon and tone of an incident's state, the same in the terminal, on the page and in chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Ending, Phase


class Tone(StrEnum):
    """What a colour means; an icon and a word always stand beside it."""

    GOOD = "good"
    BUSY = "busy"
    ASK = "ask"
    BAD = "bad"
    HAND = "hand"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Status:
    """`ascii_icon` is for terminals without UTF-8."""

    tone: Tone
    icon: str
    ascii_icon: str
    word: str


_ENDINGS: Mapping[Ending, Status] = MappingProxyType(
    {
        Ending.HEALED: Status(Tone.GOOD, "✓", "[ok]", "healed"),
        Ending.SELF_RESOLVED: Status(Tone.GOOD, "○", "[ok]", "self-resolved"),
        Ending.UNDONE: Status(Tone.ASK, "↶", "[<]", "undone"),
        Ending.BLOCKED: Status(Tone.ASK, "■", "[?]", "blocked"),
        Ending.ESCALATED: Status(Tone.HAND, "↑", "[^]", "escalated"),
        Ending.DECLINED: Status(Tone.QUIET, "⊘", "[-]", "declined"),
        Ending.NO_ACTION_NEEDED: Status(Tone.QUIET, "–", "[-]", "no action needed"),  # the icon
        Ending.FAILED: Status(Tone.BAD, "✗", "[x]", "failed"),
    }
)
_APPROVAL = Status(Tone.ASK, "◆", "[?]", "approval")

# Who is on call has to look at these; the others ended well, or nothing had to be done.


def ending_status(ending: Ending) -> Status:
    """The outcome's."""
    return _ENDINGS[ending]


def phase_status(phase: Phase) -> Status:
    """The stage's, for what is still open."""
    return _APPROVAL if phase is Phase.APPROVAL else Status(Tone.BUSY, "●", "[..]", phase.value)


def status_of(incident: Incident) -> Status:
    """The stage's noun while it is open, the outcome once it is closed."""
    return ending_status(incident.ending) if incident.ending else phase_status(incident.phase)
