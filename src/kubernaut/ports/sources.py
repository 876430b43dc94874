"""The repositories that owned objects are made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kubernaut.domain.sources import DeclaredSource, ProposedFile, SourceTree, Submission


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """What is proposed: one file on the commit that was read, on a branch of its own, and the words for it."""

    commit: str
    branch: str
    file: ProposedFile
    title: str
    body: str
    at: datetime


class SourceRepositories(Protocol):
    """Reads sources and proposes changes to them; never changes a branch that is not its own.

    Every method raises a `SourceError`, of which the retryable ones are worth another try. What is proposed again is
    found and not proposed twice.
    """

    async def read(self, source: DeclaredSource) -> SourceTree:
        """The YAML files under the prefix at the head of the source's branch, as text, within bounds."""

    async def propose(self, source: DeclaredSource, change: ProposedChange) -> Submission:
        """The branch pushed and the pull request opened, or both as they were found.

        Raises `BranchMoved` where the branch is there and holds something else.
        """

    async def withdraw(self, source: DeclaredSource, proposal: Submission) -> str:
        """What became of it: the pull request is closed and the branch deleted, if nobody touched it since.

        Raises `BranchMoved` where somebody did.
        """
