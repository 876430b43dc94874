"""Tokens from the login plugin of a kubeconfig (`exec`), such as `aws eks get-token`.

lightkube's own way waits for a plugin without end, starts one for each request that lacks a token, and leaves it behind
where the request was given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import httpx2
import msgspec
from lightkube.config.models import UserExec
from lightkube.core.exceptions import ConfigError

from kubernaut.adapters.children import answer_of, start
from kubernaut.settings.environment import variables

_PATIENCE_S: Final = 15.0
_LONGEST_ANSWER: Final = 2**20
_LONGEST_WORDS: Final = 300
_VERSIONS: Final = frozenset(f"client.authentication.k8s.io/{version}" for version in ("v1alpha1", "v1beta1", "v1"))
_UNAUTHORIZED: Final = 401


class _Status(msgspec.Struct):
    token: str = ""


class _Credential(msgspec.Struct):
    status: _Status


class LoginPlugin(httpx2.Auth):
    """Puts the plugin's token into each request; one that is refused is asked for anew, once for all who wait."""

    def __init__(self, plugin: UserExec, *, patience_s: float = _PATIENCE_S) -> None:
        self._plugin = plugin
        self._patience_s = patience_s
        self._bearer = ""
        self._turn = asyncio.Lock()

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """The request with a token, and once more with a new one where that was refused."""
        bearer = self._bearer or await self._other_than("")
        request.headers["Authorization"] = bearer
        response = yield request
        if response.status_code == _UNAUTHORIZED:
            request.headers["Authorization"] = await self._other_than(bearer)
            yield request

    async def _other_than(self, refused: str) -> str:
        async with self._turn:
            if self._bearer == refused:
                self._bearer = f"Bearer {await self._token()}"
            return self._bearer

    async def _token(self) -> str:
        answer = await self._answer()
        try:
            token = msgspec.json.decode(answer, type=_Credential).status.token
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigError(f"{self._plugin.command} answered with no ExecCredential") from error
        if not (token and token.isascii() and token.isprintable()):
            raise ConfigError(f"{self._plugin.command} answered with no token")
        return token

    async def _answer(self) -> bytes:
        """What the plugin printed; it is gone when this ends, however it ends."""
        if self._plugin.apiVersion not in _VERSIONS:
            raise ConfigError(f"auth exec api version {self._plugin.apiVersion} is not known")
        process = await start(self._plugin.command, *(self._plugin.args or ()), env=self._environment())
        try:
            answer = await answer_of(
                process, within_s=self._patience_s, most_output=_LONGEST_ANSWER, most_words=_LONGEST_WORDS
            )
        except TimeoutError as error:
            raise ConfigError(f"{self._plugin.command} took longer than {self._patience_s:g} s") from error
        if answer.code:
            said = " ".join(answer.words.decode(errors="replace").split())
            raise ConfigError(f"{self._plugin.command} ended with {answer.code}: {said}")
        return answer.output

    def _environment(self) -> dict[str, str]:
        about = {"apiVersion": self._plugin.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
        told = {"KUBERNETES_EXEC_INFO": msgspec.json.encode(about).decode()}
        return {**variables(), **told, **{each.name: each.value for each in self._plugin.env or ()}}
