"""Takes what may be secret out of text and objects before they are stored, shown or sent.

The one place for it: facts, logs, events, annotations, messages of errors and prompts all pass here. Better a harmless
value too many than a secret: what looks like one goes. The words around it stay, since "password refused" is a cause.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from kubernaut.domain.objects import Json, JsonObject

HIDDEN: Final = "***"

_SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)?|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credential|auth|dsn|"
    r"connection[-_]?string|cookie|session",
    re.IGNORECASE,
)
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
# The first may go on ("PASSWORD_FILE"); the short ones may not: `signal:` and `author:` tell no secret.
_NAMES: Final = (
    r"(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|account[-_]?key|credential)"
    r"[\w-]{0,60}|(?<![a-z])(?:pass|pwd|auth|cookie|session[-_]?id|dsn|signature|sig)"
)
_NAME_NEEDLES: Final = (
    "pass", "pwd", "secret", "token", "credential", "key", "auth", "cookie", "session", "dsn", "sig",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rule:
    """What goes, and the small letters without one of which it cannot be there: most texts have none of them."""

    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    shown: str


# In this order: what the first rules hide no later one takes for a value of its own.
_RULES: Final = (
    _Rule(
        ("-----begin",),
        re.compile(r"-----BEGIN [A-Z ]{1,40}-----.*?(?:-----END [A-Z ]{1,40}-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
    _Rule(("eyj",), re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"), HIDDEN),
    _Rule(
        ("bearer", "basic", "digest", "negotiate"),
        re.compile(r"\b((?i:bearer|basic|digest|negotiate))\s+(?=\S*[A-Z0-9])[^\s\"',;]{6,}"),
        rf"\1 {HIDDEN}",
    ),
    _Rule(
        ("authorization",),
        re.compile(
            r"""\b(authorization["']?\s{0,3}[:=]\s{0,3})(?!["']?(?:bearer|basic|digest|negotiate)\s+\*\*\*)["']?"""
            r"""(?:(?:bearer|basic|digest|negotiate|token)\s+)?[^\s"',;]+""",
            re.IGNORECASE,
        ),
        rf"\g<1>{HIDDEN}",
    ),
    # The user part may be a secret as well (tokens are used so); the host is what a diagnosis needs.
    _Rule(
        ("://",),
        re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@\"'<>]{1,300}(?:@[^\s/@\"'<>]{0,300})*@", re.IGNORECASE),
        rf"\g<1>{HIDDEN}@",
    ),
    _Rule(("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
    _Rule(
        ("gh", "glpat", "xox", "sk-", "pk_", "rk_", "npm_", "hf_", "aiza", "ya29"),
        re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-|pk_|rk_|npm_|hf_|AIza|ya29\.)[\w-]{10,}"),
        HIDDEN,
    ),
    # Starts at the telling word itself, not at the name around it: a run of letters is then scanned once.
    _Rule(
        _NAME_NEEDLES,
        re.compile(
            rf"""((?:{_NAMES})["']?\s{{0,3}}(?:[:=]|=>)\s{{0,3}})"""
            r"""(?!(?:bearer|basic|digest|negotiate)\s+\*\*\*|["']?\*\*\*)"""
            r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&"'}\]]+)""",
            re.IGNORECASE,
        ),
        rf"\g<1>{HIDDEN}",
    ),
    # Long random words: keys without a name. Hashes of images are longer runs of hex and stay.
    _Rule(
        (),
        re.compile(r"(?<![\w:/+=-])(?=[\w+/=-]*[A-Z])(?=[\w+/=-]*[a-z])(?=[\w+/=-]*\d)[A-Za-z0-9+/_-]{32,}={0,2}"),
        HIDDEN,
    ),
)
_ENCODED: Final = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{12,}={0,2}(?![\w+/=-])")
# Shorter texts hold no secret worth the name; most values that pass here are words such as `Running`.
_SHORTEST_SECRET: Final = 8
_MAIL: Final = re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}\b")
_ADDRESS: Final = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:]))"
)


def is_secret_name(name: str) -> bool:
    """Whether a variable or field of that name is likely to hold a secret."""
    return _SECRET_NAME.search(name) is not None


def redact_text(text: str) -> str:
    """The text without tokens, keys, passwords and the credentials of URLs, also where they are in base64."""
    if len(text) < _SHORTEST_SECRET:
        return text
    return _ENCODED.sub(_hidden_encoding, _plainly_redacted(text))


def _plainly_redacted(text: str) -> str:
    folded = text.casefold()
    for rule in _RULES:
        if not rule.needles or any(needle in folded for needle in rule.needles):
            text = rule.pattern.sub(rule.shown, text)
    return text


def _hidden_encoding(match: re.Match[str]) -> str:
    decoded = decoded_base64(match[0])
    # The whole word goes, since base64 cut in the middle decodes to something else.
    return match[0] if decoded is None or _plainly_redacted(decoded) == decoded else HIDDEN


def decoded_base64(word: str) -> str | None:
    """The text that the word is the base64 form of, None where it is not one."""
    bare = word.rstrip("=").translate(_URL_SAFE)
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded if all(char.isprintable() or char.isspace() for char in decoded) else None


_URL_SAFE: Final = str.maketrans("-_", "+/")


@dataclass(slots=True)
class Pseudonyms:
    """Hides who and where, by choice; the same one is called the same within one text, so that it can be followed."""

    mails: bool = False
    addresses: bool = False
    _known: dict[str, str] = field(default_factory=dict)

    def hide(self, text: str) -> str:
        """The text with `mail-1`, `ip-1` and so on in the place of what was chosen to be hidden."""
        if self.mails and "@" in text:
            text = _MAIL.sub(lambda match: self._called("mail", match[0]), text)
        return _ADDRESS.sub(self._hidden_address, text) if self.addresses else text

    def _hidden_address(self, match: re.Match[str]) -> str:
        try:
            ip_address(match[0])
        except ValueError:
            return match[0]  # a time, a version
        return self._called("ip", match[0])

    def _called(self, kind: str, value: str) -> str:
        used = sum(name.startswith(kind) for name in self._known.values())
        return self._known.setdefault(value.casefold(), f"{kind}-{used + 1}")


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
    # The keys stay: which of them is missing is a cause, what it holds is nobody's business.
    if value.get("kind") == "Secret":
        value = {**value, **{key: _emptied(value.get(key)) for key in ("data", "stringData") if key in value}}
    named = value.get("name")
    # An environment variable: its name tells that its value is a secret, whatever that looks like.
    hidden = {"value"} if isinstance(named, str) and is_secret_name(named) and "value" in value else set()
    return {
        key: HIDDEN if key in hidden else _walk(item)
        for key, item in value.items()
        if key not in {"managedFields", _LAST_APPLIED}
    }


def _emptied(values: Json) -> Json:
    return dict.fromkeys(values, HIDDEN) if isinstance(values, dict) else HIDDEN
