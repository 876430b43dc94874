"""Whether confidence means what it says."""

import pytest

from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.impact.calibration import calibration, calibration_of
from tests.unit.impact.test_ai_metrics import K, history


def diagnosed(**confidence: float) -> tuple[EventKind, JsonObject]:
    named: list[Json] = [{"cause": cause, "confidence": sure} for cause, sure in confidence.items()]
    return K.DIAGNOSED, {"diagnosis": {"hypotheses": named}}


def verified(cause: str, effect: str) -> tuple[EventKind, JsonObject]:
    return K.VERIFIED, {"cause": cause, "verification": {"effect": effect}}


def test_four_of_five_right_at_eighty_percent_is_calibrated() -> None:
    effects = ["healed"] * 4 + ["unchanged"]
    found = calibration([history(diagnosed(c=0.8), verified("c", effect)) for effect in effects])

    assert found.error.value == pytest.approx(0.0)
    assert found.brier.value == pytest.approx((4 * 0.04 + 0.64) / 5)
    assert (found.brier.n, [one.attempts for one in found.bins]) == (5, [5])


def test_being_sure_and_wrong_is_told() -> None:
    found = calibration([history(diagnosed(c=1.0), verified("c", "worse"))])

    assert (found.brier.value, found.error.value) == (1.0, 1.0)


def test_each_attempt_is_held_against_the_diagnosis_before_it() -> None:
    told = history(diagnosed(a=0.9, b=0.1), verified("a", "unchanged"), diagnosed(b=0.7), verified("b", "healed"))
    found = calibration([told])

    assert [(one.low, one.healed) for one in found.bins] == [(0.7, 1.0), (0.9, 0.0)]
    assert found.error.value == pytest.approx((0.3 + 0.9) / 2)


def test_without_a_verified_attempt_there_is_no_figure() -> None:
    found = calibration([history(diagnosed(c=0.8)), history(verified("", "healed"))])

    assert (found.brier.value, found.error.value, found.bins) == (None, None, ())
    assert "verified" in found.error.why


def test_a_few_that_were_all_right_prove_little_and_many_prove_much() -> None:
    few, many = ([(0.95, True)] * count for count in (5, 500))

    assert calibration_of(few, nothing="").error.value == pytest.approx(0.05)
    assert calibration_of(few, nothing="").error.high == pytest.approx(0.95 - 0.5655, abs=1e-3)
    assert calibration_of(many, nothing="").error.high == pytest.approx(0.05)
    assert calibration_of(few, nothing="").brier.high == pytest.approx(0.5655 * 0.0025 + 0.4345 * 0.9025, abs=1e-3)


def test_the_interval_reaches_down_to_nothing_where_the_confidence_may_be_right() -> None:
    found = calibration_of([(0.75, True)] * 7 + [(0.75, False)] * 3, nothing="").error

    assert found.value == pytest.approx(0.05)
    assert found.low == pytest.approx(0.0)
