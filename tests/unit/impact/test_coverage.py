"""Simulations with a known truth: an interval that says 95 % holds it in 95 % of all repetitions."""

import pytest

from bench.value_coverage import (
    FORMS,
    mean_coverage,
    money_coverage,
    prevented_coverage,
    quantile_coverage,
    restricted_mean_coverage,
    share_coverage,
)

REPEATS = 2000


@pytest.mark.parametrize("form", FORMS)
def test_the_geometric_mean_is_covered_though_incidents_of_a_cause_are_alike(form: str) -> None:
    assert mean_coverage(REPEATS, form).is_nominal


def test_the_share_healed_is_covered() -> None:
    assert share_coverage(REPEATS).is_nominal


def test_the_incidents_prevented_are_covered() -> None:
    assert prevented_coverage(REPEATS).is_nominal


def test_savings_roi_and_efficiency_are_covered_where_the_declared_ranges_are_true() -> None:
    assert [each.figure for each in money_coverage(REPEATS) if not each.is_nominal] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_median_and_the_ninetieth_percentile_are_covered(share: float, form: str) -> None:
    assert quantile_coverage(REPEATS, share, form).is_nominal


@pytest.mark.parametrize("form", FORMS)
def test_the_mean_with_incidents_that_were_not_seen_to_end_is_covered(form: str) -> None:
    assert restricted_mean_coverage(REPEATS, form).is_nominal
