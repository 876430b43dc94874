"""Any of the services that apprise knows: mail, chat, pagers, by the address that its documentation gives."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec

from kubernaut.domain.errors import NotifyFailed, SettingsError
from kubernaut.ports import Message

# Apprise blocks. Threads of its own, so that a service that hangs uses up none that others wait for.
_THREADS = 4


class AppriseNotifier:
    """Sends to one address. The library is imported with the first message: it is large."""

    def __init__(self, name: str, url: str) -> None:
        """Raises `SettingsError` where apprise is not installed."""
        if find_spec("apprise") is None:
            raise SettingsError(
                f"notify channel {name} needs apprise, which is not installed", help='pip install "kubernaut[notify]"'
            )
        self._name = name
        self._url = url
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="apprise")

    async def send(self, message: Message) -> str:
        """Where it went, in words. Raises `NotifyFailed`."""
        loop = asyncio.get_running_loop()
        body = "\n".join(message.lines)
        taken = await loop.run_in_executor(self._threads, partial(_notify, self._url, message.title, body))
        if not taken:
            # The library says no more than yes or no, and the address is a password as often as not.
            raise NotifyFailed("the service did not take it")
        return f"apprise {self._name}"

    async def aclose(self) -> None:
        """Lets go of the threads; one that hangs ends by its own time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _notify(url: str, title: str, body: str) -> bool:
    import apprise  # noqa: PLC0415  # large, and most installations have no such channel

    service = apprise.Apprise()
    if not service.add(url):
        raise NotifyFailed("apprise does not know such an address")
    return bool(service.notify(title=title, body=body or title))
