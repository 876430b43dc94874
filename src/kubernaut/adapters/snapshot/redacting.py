"""Takes secrets out of what is captured, and keeps what a diagnosis compares.

Values of Secrets are empty already when they come from a reader. Values of variables and annotations whose name tells
of a secret are hidden, and so is what looks like a secret in any other text. Two hidden values that differ stay
different (`***`, `*** (2)`), because "it was changed" is evidence. The authors of fields and the last applied
manifest stay, for they tell who wants it so.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Final

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.redaction import HIDDEN, is_secret_name, redact_text

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
# Their values are names of fields and of managers, nothing else.
_PLAIN: Final = frozenset({"managedFields"})
_DEEPEST: Final = 60


class Redaction:
    """Hides what may be secret; `count` says how often it did."""

    def __init__(self) -> None:
        self.count = 0
        self._seen: dict[str, dict[str, int]] = defaultdict(dict)

    def object(self, raw: JsonObject) -> JsonObject:
        """A copy of the object without secrets."""
        return {key: self._field(key, value, 0) for key, value in raw.items()}

    def text(self, text: str) -> str:
        """The text without tokens, keys and passwords."""
        redacted = redact_text(text)
        return text if redacted == text else self._told_apart(text, redacted)

    def log(self, text: str) -> str:
        """The log, line for line."""
        return "".join(self.text(line) for line in text.splitlines(keepends=True))

    def _told_apart(self, original: str, redacted: str) -> str:
        self.count += 1
        known = self._seen[redacted]
        number = known.setdefault(original, len(known) + 1)
        return redacted if number == 1 else f"{redacted} ({number})"

    def _field(self, key: str, value: Json, depth: int) -> Json:
        if key in _PLAIN:
            return value
        if key == "annotations" and isinstance(value, dict):
            return {name: self._annotation(name, text) for name, text in value.items()}
        if key == "data" and isinstance(value, dict):
            return {name: self._named(name, item, depth) for name, item in value.items()}
        return self._value(value, depth)

    def _annotation(self, name: str, value: Json) -> Json:
        if name != LAST_APPLIED or not isinstance(value, str):
            return self._named(name, value, 0)
        try:
            applied: Json = json.loads(value)
        except (ValueError, RecursionError):
            applied = None
        return json.dumps(self.object(applied)) if isinstance(applied, dict) else self._told_apart(value, HIDDEN)

    def _named(self, name: str, value: Json, depth: int) -> Json:
        if isinstance(value, str) and value and is_secret_name(name):
            return self._told_apart(value, HIDDEN)
        return self._value(value, depth)

    def _value(self, value: Json, depth: int) -> Json:
        if depth > _DEEPEST:
            return HIDDEN
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._value(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        name = value.get("name")
        secret = isinstance(name, str) and is_secret_name(name)
        return {
            key: self._told_apart(item, HIDDEN)
            if secret and key == "value" and isinstance(item, str) and item
            else self._field(key, item, depth + 1)
            for key, item in value.items()
        }
