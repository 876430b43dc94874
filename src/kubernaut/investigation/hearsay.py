"""What programs said according to a ticket: logs and commands that somebody thought worth quoting.

The lines of a log that nobody asked for prove little. One that a person pasted, also of what is well, is what they
complain about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.logs import LogLine, decisive_lines
from kubernaut.investigation.scene import Scene

UNREACHED = re.compile(
    r"(?i)connection refused|ECONNREFUSED|timed? ?out|ETIMEDOUT|deadline exceeded|no route to host|failed to connect"
    r"|could ?n[o']t connect|connection reset|no such host|bad address|could not resolve"
)
SILENT = re.compile(r"(?i)timed? ?out|ETIMEDOUT|deadline exceeded|no route to host")
_WORDS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a paste has that a cluster has not: `heard` with whose words they are, and objects that it shows in part.

    Of the `partial` ones it shows less than a description, of those `retold` less than the object itself.
    """

    heard: tuple[tuple[ObjectRef, str], ...] = ()
    partial: frozenset[ObjectRef] = frozenset()
    retold: frozenset[ObjectRef] = frozenset()

    def tell(self, scene: Scene) -> None:
        """Makes it known to whoever examines the scene."""
        scene.is_told = self is not NO_TICKET
        scene.heard, scene.partial, scene.retold = heard_lines(self.heard), self.partial, self.retold


NO_TICKET = Ticket()


def heard_lines(texts: Iterable[tuple[ObjectRef, str]]) -> tuple[LogLine, ...]:
    """The decisive lines of what was quoted, with who said it."""
    return tuple(line for ref, text in texts for line in decisive_lines(text, ref, "", previous=False))


def said_by(scene: Scene, top: KubeObject) -> list[LogLine]:
    """What a workload, or a pod of it, is quoted with."""
    found = []
    for line in scene.heard:
        item = scene.find(line.pod) if line.pod != top.ref else top
        if item is not None and scene.top_of(item).ref == top.ref:
            found.append(line)
    return found


def said_about(scene: Scene, service: str, namespace: str, form: re.Pattern[str] = UNREACHED) -> list[LogLine]:
    """The quoted complaints that name this Service as a host, from its own namespace or with it."""
    return [
        line
        for line in scene.heard
        if form.search(line.text[:_LONGEST]) and _names(line.text, service, namespace, line.pod.namespace)
    ]


def _names(text: str, service: str, namespace: str, here: str) -> bool:
    for word in _WORDS.findall(text[:_LONGEST]):
        name, _, rest = word.partition(".")
        if name == service and (rest.split(".")[0] == namespace or (not rest and here == namespace)):
            return True
    return False
