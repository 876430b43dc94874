"""Building and changing JSON objects with types; reading them is `kubernaut.domain.objects.Tree`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import msgspec

from kubernaut.domain.objects import Json, JsonObject, Tree

_encoder = msgspec.json.Encoder()
_object_decoder = msgspec.json.Decoder(dict[str, object])


def encoded(value: Json | JsonObject) -> bytes:
    """The value as JSON text."""
    return _encoder.encode(value)


def decoded(raw: bytes) -> JsonObject:
    """The JSON object in the text; raises `msgspec.DecodeError` (a ValueError) where it is none."""
    return cast("JsonObject", _object_decoder.decode(raw))


def copied(value: JsonObject) -> JsonObject:
    """A deep copy."""
    return decoded(_encoder.encode(value))


def section(target: JsonObject, *path: str) -> JsonObject:
    """The object at the path, made where it is missing; changing it changes the target."""
    current = target
    for key in path:
        following = current.get(key)
        if not isinstance(following, dict):
            following = {}
            current[key] = following
        current = following
    return current


def entries(target: Mapping[str, Json], *path: str) -> list[JsonObject]:
    """The objects of the list at the path; changing one changes the target."""
    value = Tree(target).at(*path)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def stamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds, as `metav1.Time` prints it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(moment: datetime) -> str:
    """RFC 3339 with six digits, as `metav1.MicroTime` prints it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def set_condition(status: JsonObject, condition: JsonObject, *, stamp_key: str = "lastTransitionTime") -> bool:
    """Sets the condition of its type; the transition time stays where the status of the condition stays.

    Returns whether anything but times changed.
    """
    conditions = status.get("conditions")
    if not isinstance(conditions, list):
        conditions = []
        status["conditions"] = conditions
    for index, known in enumerate(conditions):
        if not isinstance(known, dict) or known.get("type") != condition.get("type"):
            continue
        if known.get("status") == condition.get("status"):
            condition[stamp_key] = known.get(stamp_key)
        changed = any(known.get(key) != condition.get(key) for key in ("status", "reason", "message"))
        conditions[index] = condition
        return changed
    conditions.append(condition)
    return True


def drop_condition(status: JsonObject, kind: str) -> None:
    """Removes the condition of that type."""
    kept: list[Json] = [item for item in entries(status, "conditions") if item.get("type") != kind]
    if kept or "conditions" in status:
        status["conditions"] = kept
