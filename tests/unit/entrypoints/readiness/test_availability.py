"""How a soak is judged, whatever came of it; the soak itself is in tests/integration/test_soak.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubernaut.entrypoints.readiness.availability import judged
from kubernaut.entrypoints.readiness.sending import Sent
from kubernaut.entrypoints.readiness.soak import Soaked

ALL = tuple(Sent(number, number / 45, 1, number / 45 + 0.01) for number in range(4050))
WELL = Soaked(90.0, ALL, frozenset(range(4050)), {"taken": 4050}, (("killed", 1.0),) * 10, 5, 100, True, 20.0)  # noqa: FBT003


def without_answer(count: int) -> Soaked:
    return replace(WELL, sent=tuple(replace(one, acknowledged_s=None) for one in ALL[:count]) + ALL[count:])


def test_all_taken_and_kept_reaches_the_goal_with_its_lower_bound() -> None:
    measured = judged(WELL)

    assert measured.reached
    assert measured.value == 1
    assert "at least 99.91 %" in measured.figure
    assert "26 % of such faults" in measured.note


def test_one_that_was_acknowledged_and_is_not_there_is_one_too_many() -> None:
    measured = judged(replace(WELL, stored=WELL.stored - {17}))

    assert not measured.reached
    assert measured.evidence["lost"] == [17]


@pytest.mark.parametrize(("never_taken", "reached"), [(4, True), (5, False)])
def test_what_nobody_took_counts_against_the_goal_and_is_not_lost(never_taken: int, *, reached: bool) -> None:
    measured = judged(without_answer(never_taken))

    assert measured.reached is reached
    assert measured.evidence["lost"] == []
    assert len(measured.evidence["never_taken"]) == never_taken  # type: ignore[arg-type]


def test_what_was_kept_without_an_answer_is_no_merit() -> None:
    assert judged(replace(WELL, sent=())).value is None
    assert without_answer(4050).kept == 0
