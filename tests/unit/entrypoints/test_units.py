from datetime import UTC, datetime, timedelta

import pytest

from kubernaut.entrypoints.intervals import median_interval, median_with_interval
from kubernaut.entrypoints.units import age, counted, duration, moment, share

NOON = datetime(2026, 3, 4, 12, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.041, "41 ms"),
        (0.13, "0.1 s"),
        (2.34, "2.3 s"),
        (74, "74 s"),
        (312, "312 s"),
        (1440, "24 min"),
        (14760, "4.1 h"),
    ],
)
def test_durations_carry_their_unit_and_at_most_three_digits(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(41, "41s"), (360, "6m"), (3720, "1h02m"), (3 * 86_400, "3d"), (-5, "0s")]
)
def test_ages_read_as_kubectl_writes_them(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_the_date_stands_in_front_when_it_is_another_day() -> None:
    assert moment(NOON, today=NOON) == "12:00:07Z"
    assert moment(NOON, today=NOON + timedelta(days=1)) == "2026-03-04 12:00:07Z"


def test_one_and_many_are_told_apart() -> None:
    assert (counted(1, "alert"), counted(1204, "alert")) == ("1 alert", "1,204 alerts")
    assert share(38, 41) == "38 of 41, 93 %"


def test_a_median_of_few_has_no_interval() -> None:
    assert median_interval([1, 2, 3, 4, 5]) is None
    assert median_with_interval([60.0] * 3) == "60 s median (n = 3, too few for an interval)"
    assert median_with_interval([]) == "not computable: nothing has ended yet"


def test_the_interval_of_a_median_is_that_of_the_tables() -> None:
    # n = 10: the second and the ninth value cover 97.9 %, the third and the eighth only 89.1 %.
    assert median_interval(list(range(1, 11))) == (2, 9)
    # n = 6: the whole range covers 96.9 %.
    assert median_interval(list(range(1, 7))) == (1, 6)
