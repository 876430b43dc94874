from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.models.budget import Budget
from kubernaut.adapters.models.provider import Limits, Price

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_without_limits_everything_has_room() -> None:
    assert Budget(Limits()).reserve(NOON, tokens=10**9, usd=10**6)


def test_what_would_go_over_is_refused_and_not_counted() -> None:
    budget = Budget(Limits(tokens_per_minute=100))
    assert budget.reserve(NOON, tokens=60, usd=0)
    assert not budget.reserve(NOON, tokens=60, usd=0)
    assert budget.reserve(NOON, tokens=40, usd=0)


@pytest.mark.parametrize(
    ("limits", "after"),
    [
        (Limits(tokens_per_minute=10), timedelta(minutes=1)),
        (Limits(tokens_per_day=10), timedelta(days=1)),
        (Limits(usd_per_minute=1), timedelta(minutes=1)),
        (Limits(usd_per_day=1), timedelta(days=1)),
    ],
)
def test_each_window_begins_anew(limits: Limits, after: timedelta) -> None:
    budget = Budget(limits)
    assert budget.reserve(NOON, tokens=10, usd=1)
    assert not budget.reserve(NOON + after / 3, tokens=10, usd=1)
    assert budget.reserve(NOON + after, tokens=10, usd=1)


def test_what_a_question_did_not_take_is_given_back() -> None:
    budget = Budget(Limits(tokens_per_minute=100))
    budget.reserve(NOON, tokens=100, usd=0)
    budget.settle(NOON, tokens=-90, usd=0)
    assert budget.reserve(NOON, tokens=90, usd=0)


def test_a_question_that_ends_in_the_next_window_gives_back_nothing_that_is_not_there() -> None:
    budget = Budget(Limits(tokens_per_minute=100))
    budget.reserve(NOON, tokens=100, usd=0)
    later = NOON + timedelta(minutes=1)
    budget.settle(later, tokens=-90, usd=0)
    assert budget.reserve(later, tokens=100, usd=0)
    assert not budget.reserve(later, tokens=1, usd=0)


@given(st.lists(st.integers(1, 50), max_size=30))
def test_no_order_of_questions_goes_over_the_limit(sizes: list[int]) -> None:
    budget = Budget(Limits(tokens_per_day=100))
    assert sum(size for size in sizes if budget.reserve(NOON, tokens=size, usd=0)) <= 100


def test_a_price_is_for_a_million_tokens_of_each_sort() -> None:
    assert Price(prompt=2, reply=8).of(500_000, 250_000) == 3.0
