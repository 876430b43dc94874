"""Whether a cluster may be lent to a gameday: reasons to think that others depend on it."""

from __future__ import annotations

import re

from kubernaut.gameday.hand import Hand
from kubernaut.resources import NAMESPACE, NODE

MOST_NAMESPACES = 25
MOST_NODES = 20
_NAMED = re.compile(r"(?:^|[^a-z])(?:prod|production|live|prd)(?:[^a-z]|$)", re.IGNORECASE)


async def doubts(hand: Hand, context: str) -> list[str]:
    """Why this may be a cluster that people depend on, empty where nothing says so; raises a `ClusterError`."""
    found = []
    if _NAMED.search(context):
        found.append(f"its context is called {context}")
    namespaces = len((await hand.reader.list(NAMESPACE)).items)
    if namespaces > MOST_NAMESPACES:
        found.append(f"it has {namespaces} namespaces, more than {MOST_NAMESPACES}")
    nodes = len((await hand.reader.list(NODE)).items)
    if nodes > MOST_NODES:
        found.append(f"it has {nodes} nodes, more than {MOST_NODES}")
    return found


async def may_make_namespaces(hand: Hand) -> bool:
    """Whether our account may do what a gameday needs first."""
    return await hand.reader.may("create", NAMESPACE)
