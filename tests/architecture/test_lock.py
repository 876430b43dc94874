"""The lock is one that pip alone can install, with hashes and without addresses."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

LOCKS = sorted((Path(__file__).resolve().parents[2] / "requirements").glob("*.txt"))


def locked(path: Path) -> dict[str, Requirement]:
    lines = [line.rstrip(" \\") for line in path.read_text(encoding="utf-8").splitlines() if line[:1].isalnum()]
    return {(need := Requirement(line)).name: need for line in lines}


def wanted_by(need: Requirement) -> list[Requirement]:
    try:
        told = metadata.requires(need.name) or []
    except metadata.PackageNotFoundError:
        return []  # of another platform
    found = [Requirement(line) for line in told]
    chosen = ["", *need.extras]
    return [each for each in found if not each.marker or any(each.marker.evaluate({"extra": one}) for one in chosen)]


@pytest.mark.parametrize("path", LOCKS, ids=[path.stem for path in LOCKS])
def test_every_extra_that_a_locked_package_asks_for_is_locked_with_it(path: Path) -> None:
    # Without it pip refuses the whole lock: it looks for a version of `name[extra]` and finds none that is pinned.
    pinned = locked(path)
    missing = {
        f"{need.name} asks for {each}"
        for need in pinned.values()
        for each in wanted_by(need)
        if each.name in pinned and not each.extras <= pinned[each.name].extras
    }
    assert missing == set()


@pytest.mark.parametrize("path", LOCKS, ids=[path.stem for path in LOCKS])
def test_the_lock_names_no_host(path: Path) -> None:
    assert "://" not in path.read_text(encoding="utf-8")
