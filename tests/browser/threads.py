"""What lives in an event loop of its own, beside a browser that blocks the thread of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def on_a_thread(
    name: str, living: AbstractAsyncContextManager[T], *, opening_s: float, closing_s: float
) -> Iterator[T]:
    """What `living` gives, entered and left on a thread; an error on the way in is raised here."""
    opened: Future[T] = Future()
    stop = threading.Event()

    async def live() -> None:
        async with living as inhabitant:
            opened.set_result(inhabitant)
            while not stop.is_set():
                await asyncio.sleep(0.05)

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            if not opened.done():
                opened.set_exception(error)
            raise

    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        yield opened.result(opening_s)
    finally:
        stop.set()
        thread.join(closing_s)
