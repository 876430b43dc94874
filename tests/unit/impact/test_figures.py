import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.impact.figures import Figure, median, not_computable


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_the_interval_of_a_median_holds_it_and_lies_within_the_sample(values: list[float]) -> None:
    figure = median("s", values, of="incident")

    assert figure.value == statistics.median(values)
    assert figure.n == len(values)
    if len(values) >= 6:
        assert figure.low is not None
        assert figure.high is not None
        assert min(values) <= figure.low <= figure.value <= figure.high <= max(values)


@given(st.lists(st.floats(0, 1e6), max_size=5))
def test_under_six_values_no_interval_is_claimed(values: list[float]) -> None:
    figure = median("s", values, of="incident")

    assert (figure.low, figure.high) == (None, None)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure("s", 161, 84.0, low=77.0, high=93.0), "84 s (77 to 93), n = 161"),
        (Figure("", 3, 0.5), "0.5, n = 3"),
        (not_computable("USD", "undeclared: wage_usd_per_h"), "not computable: undeclared: wage_usd_per_h"),
    ],
)
def test_a_figure_reads_with_its_interval_and_its_sample_size(figure: Figure, text: str) -> None:
    assert str(figure) == text


def test_an_end_that_is_not_bounded_is_left_out_of_the_words() -> None:
    assert str(Figure("s", 24, 84.0, low=77.0)) == "84 s (at least 77), n = 24"
    assert str(Figure("s", 24, 84.0, high=93.0)) == "84 s (at most 93), n = 24"
