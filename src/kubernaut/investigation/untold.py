"""What is said of a template's history where that was not read: nothing, but that it is not known.

A pasted ticket seldom shows former revisions, and a live cluster may refuse to list them.
"""

from __future__ import annotations

import re

from kubernaut.investigation.subjects import HISTORIES, Workload

UNTOLD = "Whether a change of the template brought it is not shown."
ONLY = "No former template is known: whether it ever worked is not."
_BEFORE = re.compile(r"\b(?:named|called|asked for) it before\b")
_CLAIM = re.compile(r"did not (?:change|ask)|was not changed|\bbefore\b|\bnot new\b|\bas old as\b|\bnever declared\b")
_ADVICE = ("look at ", "somebody ")


def as_far_as_known(workload: Workload, words: str) -> str:
    """The words, with what they claim of the template's past only where that was read."""
    has_former = len(workload.revisions) > 1 or workload.object.kind not in HISTORIES
    if workload.is_history_seen and (has_former or not _BEFORE.search(words)):
        return words
    first, _, more = words.partition(". ")
    claim, _, rest = first.rstrip(".").partition(": ")
    if not _CLAIM.search(claim):
        return words
    advice = f"{rest[0].upper()}{rest[1:]}." if rest.startswith(_ADVICE) else ""
    told = ONLY if workload.is_history_seen else UNTOLD
    return " ".join(part for part in (told, advice, more) if part)
