"""Messages to any HTTP endpoint that takes JSON."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import httpx2

from kubernaut.domain.errors import NotifyFailed
from kubernaut.ports import Message

_ACCEPTED = range(200, 300)


class WebhookNotifier:
    """Posts `{"incident", "title", "lines", "facts"}`. Follows no redirect: a message goes where its owner said."""

    def __init__(self, url: str, *, timeout: timedelta = timedelta(seconds=5)) -> None:
        self._url = url
        self._client = httpx2.AsyncClient(timeout=timeout.total_seconds(), follow_redirects=False)
        parts = urlsplit(url)
        # The path and the user part of such an address are often its password.
        self._place = f"webhook {parts.scheme}://{parts.hostname or ''}"

    async def send(self, message: Message) -> str:
        """Where it went, in words. Raises `NotifyFailed`."""
        body = {
            "incident": message.incident,
            "title": message.title,
            "lines": list(message.lines),
            "facts": message.facts,
        }
        try:
            # The body of the reply is not wanted, and so not read.
            async with self._client.stream("POST", self._url, json=body) as response:
                status = response.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NotifyFailed(f"{self._place}: {type(error).__name__}") from error
        if status not in _ACCEPTED:
            raise NotifyFailed(f"{self._place}: HTTP {status}")
        return self._place

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._client.aclose()
