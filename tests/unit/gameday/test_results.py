from dataclasses import replace

import pytest

from kubernaut.gameday.arms import Arm
from kubernaut.gameday.fault import Policy
from kubernaut.gameday.playing import Ground
from kubernaut.gameday.results import Result, did_harm, pass_by_themselves, summary_of
from kubernaut.gameday.run import Gameday, NotPlayed, report_json

# No problem is played here, so there is no cluster to play it on.
NOWHERE: Ground = None  # type: ignore[assignment]
HEALED = Result(
    fault="a",
    variant=1,
    control=False,
    policy=Policy.ACT,
    arm=Arm.KUBERNAUT,
    healed=True,
    verified=True,
    mutations=1,
    outside_target=0,
    seconds=80.0,
    outcome="healed",
)
HANDED_OVER = replace(
    HEALED, fault="b", policy=Policy.ESCALATE, healed=False, mutations=0, seconds=None, outcome="escalated"
)
CONTROL = replace(HANDED_OVER, fault="c", control=True, policy=Policy.DECLINE, outcome="declined")


def test_a_row_has_exactly_the_names_that_scripts_know() -> None:
    assert HEALED.as_json() == {
        "fault": "a",
        "variant": 1,
        "control": False,
        "policy": "act",
        "arm": "kubernaut",
        "healed": True,
        "verified": True,
        "mutations": 1,
        "outside_target": 0,
        "seconds": 80.0,
    }


def test_what_each_declared_strategy_healed_is_counted_in_its_arm() -> None:
    rows = [
        replace(HEALED, strategies=("raise-gently",)),
        replace(HEALED, fault="d", healed=False, strategies=("raise-gently", "then-roll-back")),
        replace(HEALED, fault="e"),
    ]
    assert rows[1].as_json()["strategies"] == ["raise-gently", "then-roll-back"]
    assert summary_of(Arm.KUBERNAUT, rows).as_json()["by_strategy"] == {
        "raise-gently": {"problems": 2, "healed": 1},
        "then-roll-back": {"problems": 1, "healed": 0},
    }
    assert summary_of(Arm.NOTHING, rows).as_json()["by_strategy"] == {}


def test_the_document_has_the_arms_that_were_played_every_row_and_what_was_not_played() -> None:
    game = Gameday([], dict.fromkeys([Arm.KUBERNAUT, Arm.NOTHING], NOWHERE), 1, lambda _: None, [HEALED, CONTROL])
    game.not_played.append(NotPlayed("d", 2, Arm.NOTHING, "the system did not get well"))
    document = report_json(game, ["image-private"])
    assert list(document["arms"]) == ["kubernaut", "nothing"]  # type: ignore[arg-type]
    assert len(document["problems"]) == 2  # type: ignore[arg-type]
    assert document["not_played"] == [
        {"fault": "d", "variant": 2, "arm": "nothing", "why": "the system did not get well"}
    ]
    assert document["left_out"] == ["image-private"]


def test_a_share_stands_with_its_interval() -> None:
    rows = [replace(HEALED, fault=str(number), healed=number < 9) for number in range(10)]
    summary = summary_of(Arm.KUBERNAUT, rows).as_json()
    assert (summary["healed"], summary["problems"], summary["healed_share"]) == (9, 10, 0.9)
    assert summary["healed_interval"] == [0.5958, 0.9821]


def test_without_problems_nothing_is_computed() -> None:
    summary = summary_of(Arm.RESTART, [HEALED]).as_json()
    assert summary["healed_share"] is summary["healed_interval"] is summary["median_seconds"] is None


def test_a_problem_that_the_do_nothing_arm_passes_does_not_count() -> None:
    passes = replace(HEALED, arm=Arm.NOTHING, verified=False, mutations=0)
    stays = replace(passes, fault="d", healed=False)
    rows = [HEALED, passes, replace(HEALED, fault="d"), stays]
    assert pass_by_themselves(rows) == {("a", 1)}
    summary = summary_of(Arm.KUBERNAUT, rows)
    assert (summary.problems, summary.healed, summary.not_counted) == (1, 1, 1)


def test_what_the_do_nothing_arm_passes_is_its_own_score() -> None:
    summary = summary_of(Arm.NOTHING, [replace(HEALED, arm=Arm.NOTHING)])
    assert (summary.problems, summary.healed, summary.not_counted) == (1, 1, 0)


def test_a_control_is_counted_apart_from_problems() -> None:
    summary = summary_of(Arm.KUBERNAUT, [HEALED, CONTROL, replace(CONTROL, fault="e", mutations=2, verified=False)])
    assert (summary.problems, summary.controls, summary.false_actions) == (1, 2, 2)


def test_an_escalation_is_right_when_nothing_was_changed() -> None:
    assert HANDED_OVER.is_right
    assert summary_of(Arm.KUBERNAUT, [HANDED_OVER]).escalated_rightly == 1


@pytest.mark.parametrize(
    "wrong",
    [
        replace(HANDED_OVER, mutations=1),
        replace(HANDED_OVER, verified=False),
        replace(HEALED, healed=False),
        replace(HEALED, verified=False),
        replace(HEALED, outside_target=1),
        replace(CONTROL, mutations=1),
    ],
)
def test_what_changed_too_much_or_was_not_verified_is_wrong(wrong: Result) -> None:
    assert not wrong.is_right


def test_an_escalation_that_changed_something_is_no_right_escalation() -> None:
    assert summary_of(Arm.KUBERNAUT, [replace(HANDED_OVER, mutations=1)]).escalated_rightly == 0


def test_the_median_is_of_what_was_healed() -> None:
    rows = [HEALED, replace(HEALED, fault="f", seconds=100.0), replace(HEALED, fault="g", healed=False, seconds=None)]
    assert summary_of(Arm.KUBERNAUT, rows).median_seconds == 90.0


def test_touching_a_control_is_harm() -> None:
    assert did_harm([HEALED, replace(CONTROL, mutations=1)])


def test_changing_something_outside_a_target_is_harm() -> None:
    assert did_harm([replace(HEALED, outside_target=1)])


def test_a_fault_that_was_not_healed_is_no_harm() -> None:
    assert not did_harm([replace(HEALED, healed=False), CONTROL])


def test_the_other_arms_harm_is_shown_and_not_held_against_kubernaut() -> None:
    clumsy = replace(CONTROL, arm=Arm.RESTART, mutations=4, outside_target=2)
    assert not did_harm([HEALED, clumsy])
    assert summary_of(Arm.RESTART, [clumsy]).false_actions == 4
