"""The examples in the documents are taken as they are printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubernaut.planning.guards import GUARDS
from kubernaut.planning.policy.facts import NAMES
from kubernaut.planning.policy.reading import read_policy
from kubernaut.settings import load_settings

DOCS = Path(__file__).resolve().parents[4] / "docs"
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(name: str) -> list[str]:
    return BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("place", range(2))
def test_the_policies_of_the_page_are_policies(place: int) -> None:
    assert read_policy(blocks("policy.md")[place], source="policy.md").document.model_fields_set


def test_the_settings_of_the_page_on_messages_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(blocks("notifications.md")[0])
    assert load_settings(path, environ={}).notify.channels[0].name == "pay-oncall"


def test_every_fact_that_conditions_know_is_on_the_page() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    assert [name for name in sorted(NAMES) if f"`{name}" not in page] == []


def test_every_guard_of_a_circle_is_on_the_page() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    source = Path(DOCS.parent / "src" / "kubernaut" / "planning" / "oscillation.py").read_text(encoding="utf-8")
    named = set(re.findall(r'Unrest\("(\w+)"', source))
    assert len(named) == 6
    assert [name for name in sorted(named) if f"`{name}`" not in page] == []
    assert len(GUARDS) > len(named)
