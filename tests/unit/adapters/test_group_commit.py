"""Commits that many share, on a database that stands still."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kubernaut.adapters.store.group_commit import GroupCommit
from kubernaut.domain.errors import StoreUnavailable


async def test_who_waits_for_a_database_that_hangs_is_told_so_and_it_goes_on_when_it_is_back() -> None:
    goes_on = threading.Event()
    inserted: list[list[str]] = []

    def insert(rows: list[str]) -> None:
        assert goes_on.wait(5)
        inserted.append(rows)

    commits = GroupCommit(insert, longest_s=0.02)
    async with asyncio.timeout(5):
        told = await asyncio.gather(
            commits.commit(["begun"], size=1), _later(commits, "gathered"), return_exceptions=True
        )
        assert [type(each) for each in told] == [StoreUnavailable, StoreUnavailable]
        with pytest.raises(StoreUnavailable, match="has not answered"):
            await commits.commit(["later"], size=1)
        goes_on.set()
        while not inserted:
            await asyncio.sleep(0)
        await commits.commit(["back"], size=1)
    commits.close()
    assert inserted == [["begun"], ["back"]]


async def _later(commits: GroupCommit[str], row: str) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    await commits.commit([row], size=1)
