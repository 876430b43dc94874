"""How an incident is called that ends after remedies did not help."""

from __future__ import annotations

from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Candidate, Conclusion, Outcome
from kubernaut.healing.ways import Acted, Way
from tests.told import ROLLBACK, an_intent

CANDIDATE = Candidate(ROLLBACK, 0, 0, 0.0)
TAKEN_BACK = Acted(Conclusion(Ending.UNDONE, "it did not help", final=False), Outcome.UNCHANGED, an_intent())


def handed_over(*, something_stands: bool) -> tuple[Way, Conclusion]:
    conclusion = Conclusion(Ending.ESCALATED, "refused", final=something_stands)
    second = Acted(conclusion, Outcome.REFUSED, an_intent() if something_stands else None)
    return Way().after(CANDIDATE, TAKEN_BACK).after(CANDIDATE, second), conclusion


def test_what_is_handed_over_after_an_undo_is_called_undone() -> None:
    way, conclusion = handed_over(something_stands=False)
    assert way.ended(conclusion, "inc-1").ending is Ending.UNDONE


def test_it_is_not_called_undone_while_a_later_remedy_is_half_in_force() -> None:
    way, conclusion = handed_over(something_stands=True)
    assert way.ended(conclusion, "inc-1").ending is Ending.ESCALATED
