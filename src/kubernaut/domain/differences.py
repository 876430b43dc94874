"""The difference between an object before and after, in the fewest lines that a person can judge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.domain.patches import ABSENT, Absent
from kubernaut.domain.redaction import HIDDEN, is_secret_name, redact_text

_VOLATILE: Final = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"})
_IDENTITIES: Final = ("name", "port", "key", "topologyKey", "type")
_PLAIN: Final = re.compile(r"[A-Za-z0-9./_-][A-Za-z0-9 ./:@_%+=-]*")
_LONGEST_VALUE: Final = 400


def difference(before: KubeObject, after: KubeObject) -> tuple[str, ...]:
    """Lines such as `- memory: 512Mi` and `+ memory: 768Mi`; status and bookkeeping are left out."""
    return tuple(_compare("", _judged(before), _judged(after)))


def _judged(item: KubeObject) -> JsonObject:
    result = {key: value for key, value in item.raw.items() if key not in {"status", "apiVersion", "kind"}}
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        result["metadata"] = {key: value for key, value in metadata.items() if key not in _VOLATILE}
    return result


def _compare(label: str, before: Json | Absent, after: Json | Absent) -> Iterator[str]:
    if not isinstance(before, Absent) and not isinstance(after, Absent) and before == after:
        return
    old, new = _entries(before), _entries(after)
    if old is not None or new is not None:
        yield from _compare_entries(label, old or {}, new or {})
        return
    if isinstance(before, list) or isinstance(after, list):
        # A list that comes or goes is told like one that was empty, so that both lines stand.
        before, after = _or_empty(before), _or_empty(after)
    if not isinstance(before, Absent):
        yield f"- {label}: {_shown(before)}"
    if not isinstance(after, Absent):
        yield f"+ {label}: {_shown(after)}"


def _or_empty(value: Json | Absent) -> Json:
    return [] if isinstance(value, Absent) else value


def _compare_entries(label: str, old: JsonObject, new: JsonObject) -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        before: Json | Absent = old.get(key, ABSENT)
        after: Json | Absent = new.get(key, ABSENT)
        if key == "value" and is_secret_name(label):
            before, after = _hidden(before, after)
        yield from _compare(_label(label, key), before, after)


def _entries(value: Json | Absent) -> JsonObject | None:
    """The members of a map, or of a list whose entries have names of their own (written `[name]`)."""
    if isinstance(value, dict):
        return value or None
    if not isinstance(value, list) or not value:
        return None
    named: JsonObject = {}
    for entry in value:
        identity = _identity(entry)
        if identity is None or f"[{identity}]" in named:
            return None
        named[f"[{identity}]"] = entry
    return named


def _identity(entry: Json) -> str | None:
    if not isinstance(entry, dict):
        return None
    return next((str(entry[key]) for key in _IDENTITIES if key in entry), None)


def _label(parent: str, key: str) -> str:
    """The innermost map key, led by the list entry that it belongs to: `memory`, `env[LOG_LEVEL].value`."""
    if key.startswith("["):
        return f"{parent.rpartition('.')[2].partition('[')[0]}{key}"
    entry = parent if parent.endswith("]") and not parent.startswith(("containers[", "[")) else ""
    return f"{entry}.{key}" if entry else key


def _hidden(before: Json | Absent, after: Json | Absent) -> tuple[Json | Absent, Json | Absent]:
    return (
        before if isinstance(before, Absent) else f"{HIDDEN} (before)",
        after if isinstance(after, Absent) else f"{HIDDEN} (after)",
    )


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    text = redact_text(text)
    if isinstance(value, str) and not _PLAIN.fullmatch(text) and text != HIDDEN:
        text = json.dumps(text, ensure_ascii=False)
    text = "".join(char if char.isprintable() else " " for char in text)
    more = len(text) - _LONGEST_VALUE
    return text if more <= 0 else f"{text[:_LONGEST_VALUE]}… ({more} more characters)"
