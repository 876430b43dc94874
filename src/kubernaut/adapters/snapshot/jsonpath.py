"""`-o jsonpath='{.status.phase}'` of one object: the one field that it printed, where it stands."""

from __future__ import annotations

import json
import re
from typing import Final

from kubernaut.adapters.snapshot.sightings import Fullness, Sighting
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.ports import Resource

_PATH: Final = re.compile(r"\{\s*((?:\.[A-Za-z][\w-]*(?:\[(?:\d{1,3}|\*)\])?)+)\s*\}")
_STEP: Final = re.compile(r"\.([A-Za-z][\w-]*)(?:\[(\d{1,3}|\*)\])?")
_PARTS: Final = frozenset({"spec", "status"})
# Lists whose entries have names, and whose first entry this is taken for.
_NAMED: Final = frozenset({"containers", "containerStatuses", "initContainers", "initContainerStatuses"})


def printed_field(
    output: str, lines: list[str], resource: Resource, namespace: str | None, name: str
) -> Sighting | None:
    """What the output says of the object, None where the option asks for more than one field."""
    match = _PATH.fullmatch(output.partition("=")[2].strip("'\""))
    text = "\n".join(lines).strip().removesuffix("%").strip()
    steps = _STEP.findall(match[1]) if match else []
    if not steps or not text or steps[0][0] not in _PARTS:
        return None
    value = _value(text)
    for key, index in reversed(steps):
        if index not in ("", "0", "*") or (index and key not in _NAMED and len(steps) > 1):
            return None
        value = {key: [_first(key, value)] if index else value}
    return Sighting(resource, namespace, name, Fullness.PART, value) if isinstance(value, dict) else None


def _first(key: str, value: Json) -> Json:
    return {"name": "", **value} if key in _NAMED and isinstance(value, dict) else value


def _value(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def lone_fields(lines: list[str], resource: Resource, namespace: str | None, name: str) -> Sighting | None:
    """What `grep` left of an object as YAML, of the fields that stand in one place only."""
    spec: JsonObject = {}
    for line in lines:
        key, sign, value = line.strip().removeprefix("- ").partition(": ")
        if sign and (resource.plural, key) in _LONE and value in ("true", "false"):
            spec[key] = value == "true"
    return Sighting(resource, namespace, name, Fullness.PART, {"spec": spec}) if spec else None


_LONE: Final = frozenset(
    {("deployments", "paused"), ("cronjobs", "suspend"), ("jobs", "suspend"), ("nodes", "unschedulable")}
)
