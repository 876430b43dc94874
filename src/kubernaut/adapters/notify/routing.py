"""Which channels hear of what, with patience for a channel that stumbles and none for one that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kubernaut.domain.errors import NotifyFailed, SettingsError
from kubernaut.ports import Message, Notifier

Pause = Callable[[float], Awaitable[None]]
# Templates calculate, too: `facts.number + 1` may be no number.
_OF_TEMPLATES = (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
_LONGEST_TITLE = 300
_LONGEST_BODY = 20_000


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a message is tried, how long one try may take, and how long all of them together.

    The pause doubles from try to try. Whoever waits for the message never waits longer than `deadline`.
    """

    tries: int = 3
    one: timedelta = timedelta(seconds=4)
    pause: timedelta = timedelta(milliseconds=500)
    deadline: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Route:
    """What a channel wants to hear; what is empty does not restrict. Namespaces may hold `*`."""

    severities: frozenset[str] = frozenset()
    namespaces: tuple[str, ...] = ()
    outcomes: frozenset[str] = frozenset()

    def takes(self, message: Message) -> bool:
        """Whether the message is for the channel."""
        facts = message.facts
        namespace = str(facts.get("namespace") or "")
        return (
            (not self.severities or facts.get("severity") in self.severities)
            and (not self.outcomes or facts.get("outcome") in self.outcomes)
            and (not self.namespaces or any(fnmatchcase(namespace, pattern) for pattern in self.namespaces))
        )


class Wording:
    """Templates (Jinja2, sandboxed) for the title and the lines of a message; an empty one leaves them as they are.

    They know `incident`, `title`, `lines` and `facts`.
    """

    def __init__(self, title: str = "", body: str = "") -> None:
        """Raises `SettingsError` for what is no template."""
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        try:
            self._title = environment.from_string(title) if title else None
            self._body = environment.from_string(body) if body else None
        except TemplateError as error:
            raise SettingsError(f"notify template: {error}") from error

    def __call__(self, message: Message) -> Message:
        """The message in the channel's words. Raises `NotifyFailed` for a name that there is not."""
        known = {"incident": message.incident, "title": message.title, "lines": message.lines, "facts": message.facts}
        try:
            title = self._title.render(known)[:_LONGEST_TITLE] if self._title else message.title
            lines = tuple(self._body.render(known)[:_LONGEST_BODY].splitlines()) if self._body else message.lines
        except _OF_TEMPLATES as error:
            raise NotifyFailed(f"template: {error}") from error
        return replace(message, title=" ".join(title.split()), lines=lines)


@dataclass(frozen=True, slots=True)
class Channel:
    """A notifier with what it wants to hear, and in which words."""

    name: str
    notifier: Notifier
    route: Route = Route()
    wording: Callable[[Message], Message] = lambda message: message


class RoutingNotifier:
    """Sends to every channel that wants the message, to all of them at once."""

    def __init__(
        self, channels: Sequence[Channel], *, patience: Patience | None = None, pause: Pause = asyncio.sleep
    ) -> None:
        self._channels = tuple(channels)
        self._patience = patience or Patience()
        self._pause = pause

    async def send(self, message: Message) -> str:
        """Where it went, and where it did not; raises `NotifyFailed` where it reached nobody it was for."""
        wanted = [channel for channel in self._channels if channel.route.takes(message)]
        if not wanted:
            return "nowhere: no channel wants to hear this"
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._deliver(channel, message)) for channel in wanted]
        reached = [task.result()[0] for task in tasks if task.result()[0]]
        failed = [task.result()[1] for task in tasks if task.result()[1]]
        if not reached:
            raise NotifyFailed("; ".join(failed))
        return "; ".join([*reached, *(f"failed: {each}" for each in failed)])

    async def _deliver(self, channel: Channel, message: Message) -> tuple[str, str]:
        """Where it went, or else why it did not."""
        try:
            async with asyncio.timeout(self._patience.deadline.total_seconds()):
                return await self._tried(channel, message), ""
        except TimeoutError:
            return "", f"{channel.name}: no answer within {self._patience.deadline.total_seconds():g} s"
        except NotifyFailed as error:
            return "", f"{channel.name}: {error}"

    async def _tried(self, channel: Channel, message: Message) -> str:
        worded = channel.wording(message)
        pause = self._patience.pause.total_seconds()
        for left in range(self._patience.tries - 1, -1, -1):
            try:
                async with asyncio.timeout(self._patience.one.total_seconds()):
                    return await channel.notifier.send(worded)
            except TimeoutError as error:
                failure = NotifyFailed(f"no answer within {self._patience.one.total_seconds():g} s")
                failure.__cause__ = error
            except NotifyFailed as error:
                failure = error
            if not left:
                raise failure
            await self._pause(pause)
            pause *= 2
        raise NotifyFailed("it was not tried")
