"""Parts of `kubectl describe`: what `grep`, `sed`, `tail` or a person left of it. The command says of which object.

What belongs to a container loses its name where the lines above it are gone; events lose their header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from kubernaut.adapters.snapshot.ages import parse_occurrence
from kubernaut.adapters.snapshot.occurrences import Told
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.resources import POD

# A name that no container can have: it stands for the one that is not shown.
UNNAMED: Final = "?"
_GAP: Final = re.compile(r"\s*(?:\.{2,}|\u2026|\[\.{3}\]|\[?<?\(?(?:snip|snipped|cut|truncated|omitted)\)?>?\]?|--)\s*")
_OF_CONTAINER: Final = re.compile(
    r"\s*(?:State|Last State|Ready|Restart Count|Liveness|Readiness|Startup|Image|Image ID|Container ID|Ports?"
    r"|Host Ports?|Limits|Requests|Command|Args|Environment|Environment Variables from|Mounts):(?:\s|$)"
)
_NAMES_CONTAINER: Final = re.compile(r"  [a-z0-9][a-z0-9-]{0,62}:\s*$")
_EVENT: Final = re.compile(
    r"\s*(Normal|Warning)\s+([A-Z]\w{2,60})\s+((?:\d+[ydhms])+(?: \(x\d+ over (?:\d+[ydhms])+\))?|<unknown>)"
    r"\s+([\w./-]{1,80}(?:, [\w./-]{1,80})?)\s+(\S.*)"
)
_STATE: Final = re.compile(r"\s*(?:Last )?State:")
_REASON: Final = re.compile(r"\s+Reason:\s+(\w+)\s*$")
_CODE: Final = re.compile(r"\s+Exit Code:\s")
_ENDS: Final = frozenset({"OOMKilled", "Error", "Completed", "ContainerCannotRun", "StartError", "DeadlineExceeded"})
_LISTS: Final = ("Containers:", "Init Containers:")
_INDENT: Final = 4


def without_gaps(lines: Sequence[str]) -> list[str]:
    """The lines without the dots that stand for what was left out."""
    return [line for line in lines if not _GAP.fullmatch(line)]


def completed(lines: Sequence[str], kind: str, name: str) -> list[str]:
    """The part of a description with what the command tells: the name on top, and a container around what is of one."""
    kept = [line for line in without_gaps(lines) if not _EVENT.fullmatch(line)]
    if kind == POD.kind and not any(line.startswith(_LISTS) for line in kept):
        kept = _in_container(_with_states(kept))
    return [f"Name: {name}", *kept]


def _with_states(lines: list[str]) -> list[str]:
    """The lines with the state that a lone reason tells: `grep Reason` leaves it without what stands above it."""
    if any(_STATE.match(line) for line in lines):
        return lines
    found: list[str] = []
    is_waiting = False
    for line in lines:
        match = _REASON.match(line)
        if match and match[1] in _ENDS:
            found.append("    Last State: Terminated" if is_waiting else "    State: Terminated")
        elif match and match[1].endswith(("BackOff", "Error", "ErrImagePull")):
            found.append("    State: Waiting")
            is_waiting = True
        found.append(f"      {line.strip()}" if match or _CODE.match(line) else line)
    return found


def _in_container(lines: list[str]) -> list[str]:
    first = next((at for at, line in enumerate(lines) if _OF_CONTAINER.match(line)), None)
    if first is None:
        return lines
    end = first
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" ")):
        end += 1
    end = max(end, first + 1)
    begin = first
    while begin > 0 and (not lines[begin - 1].strip() or lines[begin - 1].startswith(" ")):
        begin -= 1
    inner = [line for line in lines[begin:end] if line.strip()]
    # Of a `grep`, or a paste that lost its indentation, the lines stand where the container's own would.
    shallow = min(len(line) - len(line.lstrip()) for line in inner)
    inner = [" " * max(0, _INDENT - shallow) + line for line in inner] if shallow < _INDENT else inner
    named = any(_NAMES_CONTAINER.match(line) for line in lines[begin:end])
    body = lines[begin:end] if named else [f"  {UNNAMED}:", *inner]
    return [*lines[:begin], "Containers:", *body, *lines[end:]]


def as_part(one: Sighting, namespace: str | None) -> Sighting:
    """What a part of a description told, without what only a whole one can tell."""
    raw: JsonObject = {key: value for key, value in one.raw.items() if value not in ({}, [], None)}
    for part, listed in (("spec", "containers"), ("status", "containerStatuses")):
        for item in Tree(raw).trees(part, listed):
            if isinstance(item.raw, dict) and item.raw.get("name") == UNNAMED:
                item.raw["name"] = ""
    place = namespace if one.resource.namespaced and not one.namespace else one.namespace
    return replace(one, namespace=place, fullness=Fullness.PART, raw=raw)


def loose_events(lines: Sequence[str], kind: str, namespace: str | None, name: str) -> Iterator[Told]:
    """The events in the lines, whether or not their header is there."""
    for line in lines:
        match = _EVENT.fullmatch(line.rstrip())
        if match:
            seen = parse_occurrence(match[3])
            yield Told(kind, namespace, name, match[1], match[2], match[5], seen, match[4].strip())
