"""A real model server for the tests of a module; left out, with the reason, where it cannot be had."""

from collections.abc import Iterator

import pytest

from tests.model_server import model_server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with model_server() as (url, _):
        yield url
