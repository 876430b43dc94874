from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.objects import Json
from kubernaut.domain.quantities import amount, format_quantity, memory_text, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", Decimal("0.5")),
        ("1.5Gi", Decimal(3 * 2**29)),
        ("2e3", Decimal(2000)),
        ("1k", Decimal(1000)),
        (3, Decimal(3)),
    ],
)
def test_quantities_are_read_exactly(text: Json, value: Decimal) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize("text", ["", "1.2.3", "Gi", "1 Gi", " 1", "0x1", True, None, "9" * 80])
def test_what_is_no_quantity_is_refused(text: Json) -> None:
    assert parse_quantity(text) is None
    assert amount(text) == 0


@given(st.integers(0, 2**60), st.booleans())
def test_a_whole_quantity_survives_printing_and_reading(number: int, binary: bool) -> None:  # noqa: FBT001
    assert parse_quantity(format_quantity(Decimal(number), binary=binary)) == number


@pytest.mark.parametrize(
    ("size", "text"), [(2**20, "1Mi"), (2**20 + 1, "2Mi"), (3 * 2**29, "1536Mi"), (2**31, "2Gi"), (1, "1Mi")]
)
def test_memory_is_written_in_whole_mebibytes_and_never_less_than_it_is(size: int, text: str) -> None:
    assert memory_text(Decimal(size)) == text


@pytest.mark.parametrize(("value", "text"), [("0.0001", "1m"), ("1.0001", "1001m"), ("0.25", "250m"), ("0", "0")])
def test_what_is_smaller_than_milli_is_rounded_up(value: str, text: str) -> None:
    assert format_quantity(Decimal(value), binary=False) == text
