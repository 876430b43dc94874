"""Takes what may be secret out of text and objects before they are stored, shown or sent."""

from __future__ import annotations

import re
from typing import Final

from kubernaut.domain.objects import Json, JsonObject

HIDDEN: Final = "***"

_SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)?|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credential|auth|dsn|"
    r"connection[-_]?string|cookie|session",
    re.IGNORECASE,
)
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_PATTERNS: Final = (
    re.compile(r"-----BEGIN [A-Z ]{1,40}-----.*?(?:-----END [A-Z ]{1,40}-----|\Z)", re.DOTALL),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-)[A-Za-z0-9_-]{10,}"),
    re.compile(r"(?<=://)[^/\s:@]{1,100}:[^/\s@]{1,200}(?=@)"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}|(?<=basic )[A-Za-z0-9+/=]{8,}"),
)
# Starts at the telling word itself, not at the name around it: a run of letters is then scanned once, not many times.
_ASSIGNMENT: Final = re.compile(
    r"((?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential)"
    r"[\w-]{0,60}[\"']?\s{0,3}[:=]\s{0,3})(\"[^\"]*\"|'[^']*'|[^\s,;&\"'}]+)",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether a variable or field of that name is likely to hold a secret."""
    return _SECRET_NAME.search(name) is not None


def redact_text(text: str) -> str:
    """The text without tokens, keys, passwords and the credentials of URLs."""
    for pattern in _PATTERNS:
        text = pattern.sub(HIDDEN, text)
    return _ASSIGNMENT.sub(lambda match: match[1] + HIDDEN, text)


def redact_object(value: JsonObject) -> JsonObject:
    """A copy of an object without managedFields, the last applied copy, and what may be secret."""
    return _walk_object(value)


def _walk(value: Json) -> Json:
    if isinstance(value, dict):
        return _walk_object(value)
    if isinstance(value, list):
        return [_walk(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value


def _walk_object(value: JsonObject) -> JsonObject:
    if value.get("kind") == "Secret":
        value = {**value, **{key: _emptied(value.get(key)) for key in ("data", "stringData") if key in value}}
    named = value.get("name")
    hidden = {"value"} if isinstance(named, str) and is_secret_name(named) and "value" in value else set()
    return {
        key: HIDDEN if key in hidden else _walk(item)
        for key, item in value.items()
        if key not in {"managedFields", _LAST_APPLIED}
    }


def _emptied(values: Json) -> Json:
    return dict.fromkeys(values, HIDDEN) if isinstance(values, dict) else HIDDEN
