"""The policy in force, read again when its file changed. A file that cannot be used allows nothing."""

from __future__ import annotations

import asyncio

from kubernaut.domain.errors import InputError, PolicyError
from kubernaut.planning.policy.ruling import BUILT_IN, Policy
from kubernaut.ports.files import TextFile


class PolicyBook:
    """Where the policy is looked up; without a file it is the built-in one."""

    def __init__(self, file: TextFile | None = None) -> None:
        self._file = file
        self._stamp = ""
        self._policy = BUILT_IN
        self._turn = asyncio.Lock()

    async def current(self) -> Policy:
        """The policy as its file is now; `Policy.broken` says why it cannot be used."""
        if self._file is None:
            return self._policy
        # One reading at a time: of two, the one that read the older file could be the last to write.
        async with self._turn:
            try:
                found = await self._file.read(self._stamp)
            except InputError as error:
                # Without its stamp, so that the same file is read again once it can be.
                self._stamp, self._policy = "", Policy(source=self._file.name, broken=str(error))
                return self._policy
            if found is not None:
                # Compiling a large file takes longer than the event loop can be without.
                self._policy = await asyncio.to_thread(_policy_of, found.text, self._file.name)
                self._stamp = found.stamp
            return self._policy

    async def check(self) -> None:
        """Raises `PolicyError` where the policy cannot be used."""
        policy = await self.current()
        if policy.broken:
            raise PolicyError(f"nothing is allowed: {policy.broken}", help=f"kubernaut policy lint {policy.source}")


def _policy_of(text: str, source: str) -> Policy:
    # The expression language takes most of a second to import, and most installations have no policy file.
    try:
        from kubernaut.planning.policy.reading import read_policy  # noqa: PLC0415

        return read_policy(text, source=source)
    except PolicyError as error:
        return Policy(source=source, broken=str(error))
