"""Sources in real bare repositories, friendly and hostile ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.git.commands import Git
from kubernaut.adapters.git.repository import GitRepositories
from kubernaut.domain.errors import BranchMoved, SourceError, SourceUnavailable
from kubernaut.domain.sources import DeclaredSource, ProposedFile
from kubernaut.ports.sources import ProposedChange
from tests.bare_repository import BareRepository
from tests.told import NOON

BRANCH = "kubernaut/inc-1"
REPOSITORIES = GitRepositories()


@pytest.fixture
def shop(tmp_path: Path) -> BareRepository:
    return BareRepository(tmp_path, {"shop/web.yaml": "a: 1\n", "other/x.yaml": "x: 1\n", "shop/notes.txt": "b"})


def source(shop: BareRepository, prefix: str = "shop") -> DeclaredSource:
    return DeclaredSource("shop", str(shop.path), prefix=prefix)


async def change(shop: BareRepository, text: str = "a: 2\n", path: str = "shop/web.yaml") -> ProposedChange:
    tree = await REPOSITORIES.read(source(shop))
    return ProposedChange(tree.commit, BRANCH, ProposedFile(path, text), "raise a (inc-1)", "Because.", NOON)


async def test_the_yaml_files_under_the_prefix_are_read(shop: BareRepository) -> None:
    tree = await REPOSITORIES.read(source(shop))
    assert (tree.files, tree.commit) == ({"shop/web.yaml": "a: 1\n"}, shop.branches()["main"])


async def test_a_change_is_pushed_as_one_commit_on_a_branch_of_its_own(shop: BareRepository) -> None:
    before = shop.branches()["main"]
    made = await REPOSITORIES.propose(source(shop), await change(shop))
    assert shop.branches() == {"main": before, BRANCH: made.commit}
    assert (shop.show(BRANCH, "shop/web.yaml"), shop.show(BRANCH, "other/x.yaml")) == ("a: 2\n", "x: 1\n")
    assert shop.message(BRANCH).strip() == "raise a (inc-1)\n\nBecause."
    assert (made.existed, made.address) == (False, f"{shop.path} branch {BRANCH}")


async def test_what_is_proposed_again_is_found_even_after_the_source_moved_on(shop: BareRepository) -> None:
    first = await REPOSITORIES.propose(source(shop), await change(shop))
    shop.push("main", {"shop/later.yaml": "b: 1\n"})
    again = await REPOSITORIES.propose(source(shop), replace(await change(shop), at=NOON + timedelta(hours=1)))
    assert again == replace(first, existed=True)
    assert shop.branches()[BRANCH] == first.commit


async def test_a_source_that_moved_on_since_it_was_read_is_read_again_first(shop: BareRepository) -> None:
    stale = await change(shop)
    shop.push("main", {"shop/web.yaml": "a: 7\n"})
    with pytest.raises(BranchMoved, match="moved on while"):
        await REPOSITORIES.propose(source(shop), stale)
    assert list(shop.branches()) == ["main"]


async def test_a_branch_of_that_name_with_something_else_in_it_is_left_alone(shop: BareRepository) -> None:
    asked = await change(shop)
    theirs = shop.push(BRANCH, {"shop/web.yaml": "a: 9\n"})
    with pytest.raises(BranchMoved, match="holds something else"):
        await REPOSITORIES.propose(source(shop), asked)
    assert shop.branches()[BRANCH] == theirs


async def test_a_proposal_is_withdrawn_while_nobody_touched_it(shop: BareRepository) -> None:
    made = await REPOSITORIES.propose(source(shop), await change(shop))
    assert await REPOSITORIES.withdraw(source(shop), made) == f"{BRANCH} is deleted"
    assert list(shop.branches()) == ["main"]
    assert "merged or deleted" in await REPOSITORIES.withdraw(source(shop), made)


async def test_a_proposal_that_somebody_committed_to_stays(shop: BareRepository) -> None:
    made = await REPOSITORIES.propose(source(shop), await change(shop))
    theirs = shop.commit_on(BRANCH)
    with pytest.raises(BranchMoved, match="somebody else committed"):
        await REPOSITORIES.withdraw(source(shop), made)
    assert shop.branches()[BRANCH] == theirs


async def test_links_huge_files_and_names_that_lead_out_are_left_out(shop: BareRepository, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: 1\n")
    shop.link("shop/link.yaml", str(secret))
    shop.link("shop/up.yaml", "../../../etc/passwd")
    shop.push("main", {"shop/huge.yaml": "#" * (2**20 + 1), "shop/-c.yaml": "c: 1\n"})
    tree = await REPOSITORIES.read(source(shop))
    assert set(tree.files) == {"shop/web.yaml", "shop/-c.yaml"}
    assert tree.left_out == (
        "shop/huge.yaml (too large, or too many)", "shop/link.yaml (no plain file)", "shop/up.yaml (no plain file)",
    )  # fmt: skip
    for path in ("shop/link.yaml", "../outside.yaml", ".git/hooks/pre-push", "shop/none.yaml"):
        with pytest.raises(SourceError, match="no plain file"):
            await REPOSITORIES.propose(source(shop), await change(shop, path=path))
    assert secret.read_text() == "password: 1\n"


async def test_hooks_and_attributes_of_a_repository_are_not_heard_of(shop: BareRepository, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    program = f"touch {witness}"
    shop.push(
        "main", {"shop/.gitattributes": "*.yaml filter=evil\n", ".gitmodules": f'[submodule "x"]\nurl = !{program}\n'}
    )
    await REPOSITORIES.propose(source(shop), await change(shop))
    assert not witness.exists()


async def test_a_push_that_the_repository_refuses_is_said(shop: BareRepository) -> None:
    hook = shop.path / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SourceError, match=r"pre-receive hook declined|protected"):
        await REPOSITORIES.propose(source(shop), await change(shop))
    assert list(shop.branches()) == ["main"]


async def test_what_is_no_repository_is_an_error_without_its_address(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="git clone") as raised:
        await REPOSITORIES.read(DeclaredSource("x", str(tmp_path / "none.git")))
    assert str(tmp_path) not in str(raised.value)


async def test_git_and_what_it_starts_write_no_file_without_bound(tmp_path: Path) -> None:
    # `ulimit -f` counts in 512 bytes: 256 MiB.
    assert await Git(tmp_path, "").run("-c", "alias.bound=!ulimit -f", "bound") == b"524288\n"


async def test_git_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    git = Git(tmp_path, "", timeout=timedelta(milliseconds=300))
    waits = "alias.wait=!sleep 60"
    with pytest.raises(SourceUnavailable, match="took longer"):
        await git.run("-c", waits, "wait")
