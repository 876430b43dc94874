"""Sources as git repositories: read, proposed to, and taken back, without a working tree."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kubernaut.adapters.git.commands import Git, GitFailed
from kubernaut.adapters.git.pull_requests import PullRequests
from kubernaut.domain.errors import BranchMoved, SourceError, SourceUnavailable
from kubernaut.domain.sources import DeclaredSource, SourceTree, Submission
from kubernaut.ports.sources import ProposedChange

# Manifests are kilobytes; what is larger was made by a program, and is edited where that is fed.
_LARGEST_FILE: Final = 2**20
_LARGEST_WHOLE: Final = 32 * 2**20
_MOST_FILES: Final = 2000
# Links and submodules are left alone: what they point at may be outside of the prefix, or of the repository.
_PLAIN_FILES: Final = frozenset({"100644", "100755"})


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    blob: str
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class GitRepositories:
    """The sources by git. `pull_requests` and `tokens` are by the name of the source."""

    pull_requests: Mapping[str, PullRequests] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    # Each clone may take some of the disk for a while.
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))

    async def read(self, source: DeclaredSource) -> SourceTree:
        """The YAML files under the prefix at the head of the branch, within bounds."""
        async with self._cloned(source) as (git, commit):
            entries, left_out = _chosen(await _listed(git, commit, source.prefix))
            return SourceTree(commit, await _contents(git, entries), tuple(left_out))

    async def propose(self, source: DeclaredSource, change: ProposedChange) -> Submission:
        """The branch with the one file changed, and its pull request."""
        async with self._cloned(source) as (git, head):
            there = await _head_of(git, source, change.branch)
            existed = bool(there)
            if not existed:
                made = await _commit(git, change, head)
                there, existed = await _push(git, source, change.branch, made)
            if existed:
                await _is_the_same(git, source, change, there)
        address, number = f"{_shown(source.url)} branch {change.branch}", None
        pulls = self.pull_requests.get(source.name)
        if pulls is not None:
            address, number = await pulls.open(change.branch, source.branch, change.title, change.body)
        return Submission(source.name, change.branch, there, address, number, existed)

    async def withdraw(self, source: DeclaredSource, proposal: Submission) -> str:
        """Closed and deleted, if the branch is as we pushed it."""
        pulls = self.pull_requests.get(source.name)
        with tempfile.TemporaryDirectory(prefix="kubernaut-git-") as folder:
            git = Git(Path(folder), source.url, self.tokens.get(source.name))
            now = await _head_of(git, source, proposal.branch)
            # Somebody's commit on our branch is their work, and is not deleted with ours.
            if now not in {"", proposal.commit}:
                raise BranchMoved(f"somebody else committed to {proposal.branch} since; it stays")
            if pulls is not None and proposal.number is not None:
                await pulls.close(proposal.number)
            if not now:
                return f"{proposal.branch} is not there any more: it was merged or deleted"
            await git.run("init", "--quiet", "--bare", ".")
            # The lease makes look and deletion one: a commit that is pushed in between is kept.
            lease = f"--force-with-lease=refs/heads/{proposal.branch}:{proposal.commit}"
            await git.run("push", "--quiet", "--no-verify", lease, source.url, f":refs/heads/{proposal.branch}")
        return f"{proposal.branch} is deleted" + ("" if pulls is None else " and its pull request closed")

    @contextlib.asynccontextmanager
    async def _cloned(self, source: DeclaredSource) -> AsyncIterator[tuple[Git, str]]:
        """A bare clone of the branch's head alone, gone afterwards."""
        async with self.at_once:
            with tempfile.TemporaryDirectory(prefix="kubernaut-git-") as folder:
                git = Git(Path(folder), source.url, self.tokens.get(source.name))
                await git.run(
                # `--no-local`: for a path on the same disk git would copy the whole history and pass over the depth.
                "clone", "--quiet", "--bare", "--depth=1", "--single-branch", "--no-tags", "--no-local",
                f"--branch={source.branch}", "--", source.url, "clone.git",
            )  # fmt: skip
                inside = Git(Path(folder) / "clone.git", source.url, self.tokens.get(source.name))
                commit = (await inside.run("rev-parse", "--verify", "HEAD^{commit}")).decode().strip()
                yield inside, commit


async def _listed(git: Git, commit: str, prefix: str) -> list[_Entry]:
    under = [f"{prefix.strip('/')}/"] if prefix.strip("/") else []
    listing = await git.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *under)
    entries = []
    for line in listing.split(b"\0"):
        if not line:
            continue
        head, _, path = line.partition(b"\t")
        mode, _, blob, size = head.decode().split()
        # A name that is no UTF-8 could not be written back as it was.
        with contextlib.suppress(UnicodeDecodeError):
            entries.append(_Entry(mode, blob, int(size) if size.isdecimal() else 0, path.decode()))
    return entries


def _chosen(entries: list[_Entry]) -> tuple[list[_Entry], list[str]]:
    """The plain YAML files of bearable size, and what was left out of those that look like one."""
    chosen: list[_Entry] = []
    left_out: list[str] = []
    whole = 0
    for entry in entries:
        if not entry.path.endswith((".yaml", ".yml")):
            continue
        whole += entry.size
        if entry.mode not in _PLAIN_FILES:
            left_out.append(f"{entry.path} (no plain file)")
        elif entry.size > _LARGEST_FILE or whole > _LARGEST_WHOLE or len(chosen) >= _MOST_FILES:
            left_out.append(f"{entry.path} (too large, or too many)")
        else:
            chosen.append(entry)
    return chosen, left_out


async def _contents(git: Git, entries: list[_Entry]) -> dict[str, str]:
    asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
    answer = await git.run("cat-file", "--batch", given=asked) if entries else b""
    found: dict[str, str] = {}
    place = 0
    for entry in entries:
        end = answer.index(b"\n", place)
        size = int(answer[place:end].split()[-1])
        content = answer[end + 1 : end + 1 + size]
        place = end + 1 + size + 1
        try:
            found[entry.path] = content.decode()
        except UnicodeDecodeError:
            continue
    return found


async def _commit(git: Git, change: ProposedChange, head: str) -> str:
    """The commit with the one file changed, on the head; refused where the source moved on since it was read."""
    if change.commit != head:
        raise BranchMoved(f"the source moved on while the change was made: it was at {change.commit[:12]}")
    entries = {entry.path: entry for entry in await _listed(git, head, "")}
    entry = entries.get(change.file.path)
    if entry is None or entry.mode not in _PLAIN_FILES:
        raise SourceError(f"{change.file.path} is no plain file of the source")
    blob = (await git.run("hash-object", "-w", "--stdin", given=change.file.text.encode())).decode().strip()
    # An index of its own in a bare clone: no file of the source is ever written out.
    more = {"GIT_INDEX_FILE": str(git.folder / "proposed-index")}
    await git.run("read-tree", head, more=more)
    await git.run("update-index", "--cacheinfo", f"{entry.mode},{blob},{change.file.path}", more=more)
    tree = (await git.run("write-tree", more=more)).decode().strip()
    # The time of the decision: a repeated step makes the same commit, to the last bit of its hash.
    when = f"{int(change.at.timestamp())} +0000"
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Kubernaut"), ("EMAIL", "kubernaut@localhost"), ("DATE", when))
    }
    words = f"{change.title}\n\n{change.body}".encode()
    return (await git.run("commit-tree", tree, "-p", head, "-F", "-", given=words, more=who)).decode().strip()


async def _push(git: Git, source: DeclaredSource, branch: str, made: str) -> tuple[str, bool]:
    """Pushes a branch that is not there yet; its commit, and whether somebody was faster."""
    try:
        # With nothing after the colon the branch must not exist: of two processes one creates it.
        lease = f"--force-with-lease=refs/heads/{branch}:"
        await git.run("push", "--quiet", "--no-verify", lease, source.url, f"{made}:refs/heads/{branch}")
    except (GitFailed, SourceUnavailable):
        # Somebody may have been faster, or the answer was lost: what is there now decides.
        there = await _head_of(git, source, branch)
        if not there:
            raise
        return there, there != made
    return made, False


async def _is_the_same(git: Git, source: DeclaredSource, change: ProposedChange, there: str) -> None:
    """Raises `BranchMoved` where the branch, named for the incident, holds another change than ours."""
    await git.run("fetch", "--quiet", "--depth=1", "--no-tags", source.url, f"refs/heads/{change.branch}")
    subject = (await git.run("log", "-1", "--format=%s", there)).decode().strip()
    # By its words: the author's name could be anybody's, and the commit differs where the base moved on.
    if subject != change.title:
        raise BranchMoved(f"{change.branch} is there already and holds something else")


async def _head_of(git: Git, source: DeclaredSource, branch: str) -> str:
    """The commit of the branch, empty where there is none."""
    answer = (await git.run("ls-remote", "--", source.url, f"refs/heads/{branch}")).decode().split()
    return answer[0] if answer else ""


def _shown(url: str) -> str:
    """The address without a user or a password in it."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url
