"""The policy in force follows its file; one that cannot be used allows nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubernaut.adapters.text_file import WatchedFile
from kubernaut.domain.errors import InputError, PolicyError
from kubernaut.planning.policy.book import PolicyBook

ASKING = "rules: [{name: asking, then: ask}]\n"


def book_of(path: Path) -> PolicyBook:
    return PolicyBook(WatchedFile(path))


async def test_without_a_file_the_built_in_policy_holds() -> None:
    policy = await PolicyBook().current()
    assert (policy.source, policy.broken) == ("built in", "")


async def test_a_changed_file_is_in_force_at_the_next_decision(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(ASKING)
    book = book_of(path)
    first = await book.current()
    path.write_text("rules: [{name: denying, then: deny}]\n")
    second = await book.current()
    assert [each.document.rules[0].name for each in (first, second)] == ["asking", "denying"]
    assert first.digest != second.digest


async def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(ASKING)
    book = book_of(path)
    assert await book.current() is await book.current()


async def test_a_file_that_became_wrong_allows_nothing_instead_of_what_it_allowed_before(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(ASKING)
    book = book_of(path)
    await book.current()
    path.write_text("rules:\n  - {name: asking, then: maybe}\n")
    assert "line 2, rules[0].then" in (await book.current()).broken


async def test_a_file_that_is_gone_allows_nothing_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    book = book_of(path)
    with pytest.raises(PolicyError, match="nothing is allowed"):
        await book.check()
    path.write_text(ASKING)
    await book.check()
    assert (await book.current()).broken == ""


async def test_a_mounted_file_that_is_switched_by_a_link_is_read_again(tmp_path: Path) -> None:
    for name in ("asking", "denying"):
        (tmp_path / name).write_text(f"rules: [{{name: {name}, then: ask}}]\n")
    link = tmp_path / "policy.yaml"
    link.symlink_to(tmp_path / "asking")
    book = book_of(link)
    await book.current()
    link.unlink()
    link.symlink_to(tmp_path / "denying")
    assert (await book.current()).document.rules[0].name == "denying"


async def test_a_file_that_is_no_text_says_where(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"rules: \xff")
    with pytest.raises(InputError, match="no UTF-8 text \\(byte 7\\)"):
        await WatchedFile(path).read("")
    assert "no UTF-8 text" in (await book_of(path).current()).broken
