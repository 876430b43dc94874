"""The demo, played to its end, for the pictures of the documents: nothing on its pages was written for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

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
from tests.browser.threads import on_a_thread

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
    with on_a_thread("demo", _played(), opening_s=_PLAYED_S, closing_s=_PLAYED_S) as house:
        yield house


@asynccontextmanager
async def _played() -> AsyncIterator[House]:
    with listen("127.0.0.1", 0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with tell_story(DemoOptions(listener, SPEED), _PATIENT) as story:
            async for _ in story.happenings():
                pass
            rehearsal = story.rehearsal
            # As `kubectl label` does; the fault comes by a person's hand, too.
            namespace = APPS["ledger"].namespace
            rehearsal.sandbox.cluster.change(NAMESPACE, "", namespace, _ask, By("kubectl-label"))
            yield House(address, asyncio.get_running_loop(), rehearsal.sandbox, rehearsal.service)
