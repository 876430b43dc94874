"""The one way in which git is run: fixed arguments, no shell, nothing of the machine's or a repository's settings.

Nothing is ever checked out, so no symbolic link is followed, no path of the repository becomes one of ours, and no
hook, filter, submodule or attribute is heard of. What git writes is bounded in size, and the whole in time.
"""

from __future__ import annotations

import base64
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from kubernaut.adapters.children import answer_of, start
from kubernaut.domain.errors import SourceError, SourceUnavailable

_LARGEST_PACK: Final = 256 * 2**20
_LARGEST_ANSWER: Final = 64 * 2**20
# A shell sets the limit (in 512 bytes) and becomes git: to set it in Python would copy this whole process first, and
# may hang where another thread held a lock.
_BOUNDED: Final = ("/bin/sh", "-c", 'ulimit -f "$0" && exec "$@"', str(_LARGEST_PACK // 512))
_LONGEST_WORDS: Final = 2**16
_OPTIONS: Final = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.alternateRefsCommand=",
    "-c", "protocol.ext.allow=never",
    "-c", "submodule.recurse=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "commit.gpgSign=false",
    "-c", "http.followRedirects=false",
)  # fmt: skip
# What git says when the fault is on the way, so that it is worth another try.
_PASSING: Final = (
    "could not resolve host", "connection refused", "connection timed out", "connection reset", "early eof",
    "the remote end hung up", "operation timed out", "returned error: 5", "returned error: 429",
)  # fmt: skip


class GitFailed(SourceError):
    """git ended with an error; its words are kept short and without the address."""

    code = "git_failed"


@dataclass(frozen=True, slots=True)
class Git:
    """git in one folder of its own. `token` goes with HTTP requests and never into an argument or a file."""

    folder: Path
    url: str
    token: str | None = field(default=None, repr=False)
    timeout: timedelta = timedelta(seconds=60)
    environment: Mapping[str, str] = field(default_factory=dict)

    async def run(self, *arguments: str, given: bytes = b"", more: Mapping[str, str] | None = None) -> bytes:
        """What it prints. Raises `GitFailed`, or `SourceUnavailable` where it may work later."""
        program = shutil.which("git", path=os.defpath + ":/usr/local/bin")
        if program is None:
            raise SourceError("git is not installed, so nothing can be proposed")
        process = await start(
            *_BOUNDED, program, *_OPTIONS, *arguments,
            cwd=self.folder, env={**self._environment(), **(more or {})}, stdin=PIPE,
        )  # fmt: skip
        try:
            answer = await answer_of(
                process,
                within_s=self.timeout.total_seconds(),
                # One byte more than is taken: an answer that was cut is worth nothing.
                most_output=_LARGEST_ANSWER + 1,
                most_words=_LONGEST_WORDS,
                given=given,
            )
        except TimeoutError as error:
            raise SourceUnavailable(f"git {arguments[0]} took longer than {self.timeout.seconds} s") from error
        if answer.code:
            raise self._failure(arguments[0], answer.words.decode(errors="replace"))
        if len(answer.output) > _LARGEST_ANSWER:
            raise SourceError(f"git {arguments[0]} answered more than {_LARGEST_ANSWER // 2**20} MiB")
        return answer.output

    def _environment(self) -> dict[str, str]:
        given = {
            "PATH": os.defpath + ":/usr/local/bin",
            "HOME": str(self.folder),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "GIT_ALLOW_PROTOCOL": "file:https:http:ssh",
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10",
            "GIT_NO_REPLACE_OBJECTS": "1",
            **self.environment,
        }
        if self.token:
            # As configuration of this process alone: arguments are seen by everybody on the machine.
            basic = base64.b64encode(f"kubernaut:{self.token}".encode()).decode()
            given |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            }
        return given

    def _failure(self, what: str, words: str) -> SourceError:
        lines = [line.strip() for line in words.replace(self.url, "the repository").splitlines() if line.strip()]
        said = next((line for line in lines if line.startswith(("fatal:", "error:", "! ", "remote:"))), "")
        text = f"git {what}: {(said or ' '.join(lines))[:300]}"
        passing = any(sign in words.lower() for sign in _PASSING)
        return SourceUnavailable(text) if passing else GitFailed(text)
