"""What a person who is asked for consent is shown of like incidents."""

from __future__ import annotations

from kubernaut.domain.objects import Tree
from kubernaut.execution.telling import with_like

LINES = ("Do: rollback_deployment", "Answer: kubernaut incidents approve inc-1")
LIKE = {"incident": "inc-0", "likeness": 0.934, "action": "rollback_deployment", "ending": "healed", "seconds": 84.4}


def test_the_like_incidents_stand_before_the_line_that_says_how_to_answer() -> None:
    told = with_like(LINES, [Tree(LIKE)])
    assert told == (LINES[0], "Like: inc-0 (0.93)  rollback_deployment  healed after 84 s", LINES[1])


def test_no_more_than_three_are_told() -> None:
    assert len(with_like(LINES, [Tree(LIKE)] * 5)) == 5


def test_an_incident_about_which_nothing_was_done_says_so() -> None:
    (_, line, _) = with_like(LINES, [Tree({**LIKE, "action": "", "ending": "escalated"})])
    assert "nothing was done  escalated" in line


def test_without_like_incidents_the_request_is_as_it_was() -> None:
    assert with_like(LINES, []) == LINES
