"""Intervals over causes: what bounds them, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from kubernaut.impact.resampling import mean_interval, quantile_interval, restricted_mean_interval, t_quantile


@pytest.mark.parametrize(
    ("degrees", "point"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (10, 2.2281), (30, 2.0423), (200, 1.9719)],
)
def test_the_quantile_of_student_is_that_of_the_tables(degrees: float, point: float) -> None:
    assert t_quantile(degrees) == pytest.approx(point, abs=2e-4)


def test_a_ninetieth_percentile_of_few_has_no_upper_end() -> None:
    values, causes = [float(n) for n in range(24)], [str(n // 4) for n in range(24)]

    low, high = quantile_interval(values, causes, 0.9)

    assert low is not None
    assert high is None


def test_a_cause_that_has_most_of_the_incidents_widens_the_interval() -> None:
    values = [float(n % 7) for n in range(60)]
    even = [str(n % 10) for n in range(60)]
    uneven = [str(max(0, n - 50)) for n in range(60)]

    def width(causes: list[str]) -> float:
        low, high = mean_interval(values, causes)
        return high - low

    assert width(uneven) > width(even)


def test_times_that_do_not_differ_have_an_interval_without_width() -> None:
    causes = [str(n % 8) for n in range(16)]

    low, high = restricted_mean_interval(np.full(16, 3.0), np.full(16, fill_value=True), causes, 240.0)

    assert (low, high) == (pytest.approx(3.0), pytest.approx(3.0))
