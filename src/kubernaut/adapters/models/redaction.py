"""Takes secrets out of text before it leaves the cluster's own network.

Better a harmless value too many than a secret: what looks like one goes. The kind of what was taken out stays
readable, since "password refused" is a cause.
"""

from __future__ import annotations

import re

_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"account[_-]?key|client[_-]?secret|auth|authorization|cookie|session[_-]?id|dsn|signature|sig"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        "[private key]",
    ),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"), "[jwt]"),
    (
        re.compile(
            r"""\b(authorization["']?\s*[:=]\s*)["']?(?:(?:bearer|basic|digest|negotiate|token)\s+)?[^\s"',;]+""",
            re.IGNORECASE,
        ),
        r"\1[credentials]",
    ),
    (re.compile(r"\b((?i:bearer|basic|digest|negotiate))\s+(?=\S*[A-Z0-9])[^\s\"',;]{6,}"), r"\1 [credentials]"),
    # The user part may be a secret as well (tokens are used so); the host is what a diagnosis needs.
    (re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@\"'<>]+(?:@[^\s/@\"'<>]*)*@", re.IGNORECASE), r"\1[credentials]@"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), "[aws key]"),
    (
        re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-|pk_|rk_|npm_|hf_|AIza|ya29\.)[\w-]{10,}"),
        "[token]",
    ),
    (
        re.compile(
            rf"""(?P<name>(?:{_NAMES})["']?\s*(?:[:=]|=>)\s*)"""
            r"""(?!["']?\[)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&}\]]+)""",
            re.IGNORECASE,
        ),
        r"\g<name>[redacted]",
    ),
    # Long random words: keys without a name. Hashes of images are longer runs of hex and stay.
    (
        re.compile(r"(?<![\w:/+=-])(?=[\w+/=-]*[A-Z])(?=[\w+/=-]*[a-z])(?=[\w+/=-]*\d)[A-Za-z0-9+/_-]{32,}={0,2}"),
        "[random text]",
    ),
)


def redact(text: str) -> str:
    """The text without tokens, keys, passwords and the credentials of connection strings."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
