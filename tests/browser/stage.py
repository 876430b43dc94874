"""The demo, played to its end, for the pictures of the documents: nothing on its pages was written for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.doors import DemoOptions
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.logs import configure_logs
from kubernaut.entrypoints.rehearsal import POLICY
from kubernaut.entrypoints.storytelling import tell_story
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import NAMESPACE
from kubernaut.sandbox.scenarios.system import APPS, AUTONOMY
from kubernaut.sandbox.shapes import section
from kubernaut.settings import LogSettings
from tests.browser.house import House

# The scenario whose action is left to a person once all have been played.
ASKED = "unknown-flag"
# Slower than the demo, so that a busy machine does not stretch the times in the pictures.
SPEED = 30.0
_PLAYED_S = 400
# Whoever is asked has all the time that the pictures take.
_PATIENT = {**POLICY, "approval_s": 4 * 3600.0}


def _ask(namespace: JsonObject) -> JsonObject:
    section(namespace, "metadata", "labels")[AUTONOMY] = "approve"
    return namespace


@contextmanager
def play_demo() -> Iterator[House]:
    """The demo after its last scenario: its month, its incidents, and an owner who wants to be asked from now on."""
    configure_logs(LogSettings(level="error"))
    opened: Future[House] = Future()
    stop = threading.Event()

    async def live() -> None:
        with listen("127.0.0.1", 0) as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with tell_story(DemoOptions(listener, SPEED), _PATIENT) as story:
                async for _ in story.happenings():
                    pass
                rehearsal = story.rehearsal
                # As `kubectl label` does; the fault comes by a person's hand, too.
                namespace = APPS["ledger"].namespace
                rehearsal.sandbox.cluster.change(NAMESPACE, "", namespace, _ask, By("kubectl-label"))
                opened.set_result(House(address, asyncio.get_running_loop(), rehearsal.sandbox, rehearsal.service))
                while not stop.is_set():
                    await asyncio.sleep(0.05)

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            if not opened.done():
                opened.set_exception(error)
            raise

    thread = threading.Thread(target=run, name="demo")
    thread.start()
    try:
        yield opened.result(_PLAYED_S)
    finally:
        stop.set()
        thread.join(_PLAYED_S)
