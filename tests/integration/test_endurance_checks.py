"""The checks of readiness that need a process to die or a model to fail, turned by the promise that is broken."""

from __future__ import annotations

import pytest

from kubernaut.entrypoints.readiness import endurance_checks
from kubernaut.entrypoints.readiness.endurance_checks import (
    answers_are_kept,
    asked_in_order,
    backup_goes_on,
    taken_over,
)
from kubernaut.entrypoints.readiness.ground import Ground


async def test_a_run_of_a_killed_process_is_taken_over_within_the_goal() -> None:
    measured = await taken_over(Ground())

    assert measured.reached, measured.figure
    assert measured.value is not None
    # Sooner than a heartbeat may be missed would mean that the living one took what was not its own.
    assert measured.value > 5


async def test_a_copy_made_in_the_middle_of_a_step_goes_on() -> None:
    assert (await backup_goes_on(Ground())).reached


async def test_an_empty_backup_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance_checks, "_back_up", lambda _original, _copy: None)
    monkeypatch.setattr(endurance_checks, "_PATIENCE_S", 0.2)

    measured = await backup_goes_on(Ground())

    assert not measured.reached
    assert "unknown" in measured.figure


async def test_equal_questions_ask_the_model_once_and_again_after_a_quarter_of_an_hour() -> None:
    assert (await answers_are_kept(Ground())).reached


async def test_answers_that_are_kept_too_short_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance_checks, "_KEPT", endurance_checks._KEPT * 2)
    assert not (await answers_are_kept(Ground())).reached


async def test_providers_are_asked_in_their_order_and_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = await asked_in_order(Ground())
    monkeypatch.setattr(endurance_checks, "_SWITCH_S", 0.0)

    assert measured.reached, measured.figure
    assert not (await asked_in_order(Ground())).reached
