"""A bare git repository in a folder, as people push to it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_ENVIRONMENT = {
    "PATH": os.defpath + ":/usr/local/bin",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "ada"), ("EMAIL", "a@b"))
    },
}


class BareRepository:
    """The repository at `path`, with a work tree beside it to push from."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.path = folder / "shop.git"
        self._work = folder / "work"
        self._work.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.path))
        self.git("init", "--quiet", "--initial-branch=main", ".")
        self.push("main", files)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self._work, env={**_ENVIRONMENT, "HOME": str(self._work)}, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    def push(self, branch: str, files: dict[str, str]) -> str:
        """What somebody commits and pushes; its commit."""
        for name, text in files.items():
            path = self._work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.push_work(branch)

    def link(self, name: str, to: str) -> None:
        (self._work / name).parent.mkdir(parents=True, exist_ok=True)
        (self._work / name).symlink_to(to)

    def push_work(self, branch: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=by hand")
        self.git("push", "--quiet", str(self.path), f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD").strip()

    def commit_on(self, branch: str) -> str:
        """Somebody commits to a branch that is there."""
        self.git("fetch", "--quiet", str(self.path), branch)
        self.git("checkout", "--quiet", "FETCH_HEAD")
        return self.push_work(branch)

    def branches(self) -> dict[str, str]:
        lines = self.git("ls-remote", str(self.path), "refs/heads/*").splitlines()
        return {line.split("\t")[1].removeprefix("refs/heads/"): line.split("\t")[0] for line in lines}

    def show(self, branch: str, path: str) -> str:
        return self.git("--git-dir", str(self.path), "show", f"{branch}:{path}")

    def message(self, branch: str) -> str:
        return self.git("--git-dir", str(self.path), "log", "-1", "--format=%B", branch)
