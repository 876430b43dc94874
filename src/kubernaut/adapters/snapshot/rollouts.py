"""`kubectl rollout status` and `rollout history`: how far a rollout is, and how many revisions there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from kubernaut.adapters.snapshot.commands import Command, find_kind
from kubernaut.adapters.snapshot.described_workloads import REVISION
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting
from kubernaut.domain.objects import JsonObject
from kubernaut.resources import DAEMON_SET, DEPLOYMENT, STATEFUL_SET

_HAS_ROLLOUTS: Final = frozenset({DEPLOYMENT, STATEFUL_SET, DAEMON_SET})
_UPDATED: Final = re.compile(r"(\d{1,6}) out of (\d{1,6}) new (?:replicas|pods) have been updated")
_AVAILABLE: Final = re.compile(r"(\d{1,6}) of (\d{1,6}) updated (?:replicas|pods) are available")
_LATE: Final = re.compile(r"exceeded its progress deadline")
_NUMBER: Final = re.compile(r"^(\d{1,9})(?:\s|$)")


def told_by_rollout(command: Command, lines: Sequence[str], namespace: str | None) -> Iterator[Sighting]:
    """What the command tells of the workload."""
    kind, slash, name = (command.words[1] if len(command.words) > 1 else "").partition("/")
    if not slash and len(command.words) > 2:  # noqa: PLR2004  # `rollout status deploy web`
        name = command.words[2]
    resource = find_kind(kind)
    if resource not in _HAS_ROLLOUTS or not name:
        return
    told: JsonObject = {}
    if command.words[0] == "status":
        told = _progress("\n".join(lines))
    elif command.words[0] == "history" and "revision" not in command.options:
        numbers = [int(match[1]) for line in lines if (match := _NUMBER.match(line.strip()))]
        told = {"metadata": {"annotations": {REVISION: str(max(numbers))}}} if numbers else {}
    if told:
        yield Sighting(resource, namespace, name, Fullness.NAMED, told)


def _progress(text: str) -> JsonObject:
    status: JsonObject = {}
    spec: JsonObject = {}
    for match in _UPDATED.finditer(text):
        status["updatedReplicas"], spec["replicas"] = int(match[1]), int(match[2])
    for match in _AVAILABLE.finditer(text):
        status |= {"availableReplicas": int(match[1]), "readyReplicas": int(match[1])}
        status["updatedReplicas"] = spec["replicas"] = int(match[2])
    if _LATE.search(text):
        condition: JsonObject = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
        status["conditions"] = [condition]
    return {"spec": spec, "status": status} if status else {}
