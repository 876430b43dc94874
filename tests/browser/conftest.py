from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.browsing import CHROMIUM, browsing
from tests.browser.house import House, open_house


# Closed with the last page: Playwright keeps an event loop of its own in the thread, beside which no other may run.
@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; `make machine` installs Debian's")
    with browsing() as started:
        yield started


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return tmp_path
