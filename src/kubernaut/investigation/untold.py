"""What is said of a template's history where that was not read: nothing, but that it is not known.

A pasted ticket seldom shows former revisions, and a live cluster may refuse to list them.
"""

from __future__ import annotations

import re

from kubernaut.investigation.subjects import Workload

UNTOLD = "Whether its template changed is not shown."
_CLAIM = re.compile(r"did not (?:change|ask)|\bbefore\b|\bnot new\b|\bas old as\b|\bnever declared\b")
_ADVICE = ("look at ", "somebody ")


def as_far_as_known(workload: Workload, words: str) -> str:
    """The words, with what they claim of the template's past only where that was read."""
    if workload.is_history_read:
        return words
    first, _, more = words.partition(". ")
    claim, _, rest = first.rstrip(".").partition(": ")
    if not _CLAIM.search(claim):
        return words
    advice = f"{rest[0].upper()}{rest[1:]}." if rest.startswith(_ADVICE) else ""
    return " ".join(part for part in (UNTOLD, advice, more) if part)
