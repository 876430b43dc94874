from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.lifecycle import Ending
from kubernaut.entrypoints.dashboard.searching import Search, filter_of
from tests.told import NOON


def test_words_and_filters_may_stand_in_any_order() -> None:
    wanted, odd = filter_of(Search("checkout status:self-resolved since:2h ns:shop crash"), now=NOON)
    assert (wanted.ending, wanted.namespace, wanted.text) == (Ending.SELF_RESOLVED, "shop", "checkout crash")
    assert wanted.since == NOON - timedelta(hours=2)
    assert odd == ""


def test_open_is_a_status_too() -> None:
    assert filter_of(Search("status:open"), now=NOON)[0].open_only


def test_a_filter_that_does_not_exist_is_searched_for_and_named() -> None:
    wanted, odd = filter_of(Search("status:fine"), now=NOON)
    assert (wanted.text, odd) == ("status:fine", "status:fine")


@given(st.text(max_size=300))
def test_whatever_is_typed_gives_a_filter(typed: str) -> None:
    wanted, _ = filter_of(Search(typed), now=NOON)
    assert wanted.limit == 25
