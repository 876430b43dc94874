"""What an API server's refusals mean, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from kubernaut.domain.errors import (
    ChangeRejected,
    ClusterError,
    ClusterThrottled,
    ClusterUnavailable,
    Conflict,
    Forbidden,
    ObjectMissing,
    Unauthenticated,
    WatchExpired,
)
from kubernaut.domain.objects import Tree
from kubernaut.ports import Resource
from kubernaut.resources import api_group

_WRITES = frozenset({"patch", "delete", "create"})
_DOING = {
    "get": "reading",
    "list": "listing",
    "watch": "watching",
    "patch": "patching",
    "delete": "deleting",
    "create": "creating",
}
# It is created like an object, but nothing is stored: a lost answer leaves nothing open.
_QUESTIONS = frozenset({"SelfSubjectAccessReview"})
_FACTS: dict[int, type[ClusterError]] = {404: ObjectMissing, 409: Conflict, 410: WatchExpired}
_NO_SUCH_PATH = b"404 page not found"
_LONGEST_MESSAGE = 2000
_MOST_WARNINGS = 20
# RFC 7234, 5.5: code, agent and a quoted text, after which a date may stand.
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"(?: "[^"]*")?')


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: the RBAC verb, the resource, and the words that name the object to a person.

    `warnings` gathers what the API server and its webhooks warned of in their answer.
    """

    verb: str
    resource: Resource
    of: str
    subresource: str = ""
    warnings: list[str] = field(default_factory=list, compare=False)

    @property
    def is_write(self) -> bool:
        """Whether an answer that got lost leaves open what was done."""
        return self.verb in _WRITES and self.resource.kind not in _QUESTIONS

    @property
    def text(self) -> str:
        """Such as `patching shop/deployment/checkout`."""
        part = f" ({self.subresource})" if self.subresource else ""
        return f"{_DOING.get(self.verb, self.verb)} {self.of}{part}"

    @property
    def rbac_resource(self) -> str:
        """Such as `pods/log`."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural


def error_for(status: int, headers: Mapping[str, str], body: bytes, asked: Asked) -> ClusterError:
    """The error that an answer other than 2xx stands for."""
    reply = _status_of(body)
    words = f"{asked.text}: {_words(reply, status)}"
    match status:
        case 401 | 403:
            return _refused(status, words, asked)
        case 404 if body.strip() != _NO_SUCH_PATH and not body.lstrip().startswith(b"{"):
            # A page of whatever stands before the API server says nothing about the object.
            return ClusterUnavailable(words + lost_outcome(asked))
        case 404 | 409 | 410:
            # 410 stands for a resourceVersion that the server has compacted away, on lists as on watches.
            return _FACTS[status](words)
        case 429:
            return ClusterThrottled(words, retry_after_s=_retry_after(headers, reply))
        # 408 is a time-out of the server and says nothing about what was asked.
        case _ if 400 <= status < 500 and status != 408:  # noqa: PLR2004
            return ChangeRejected(words) if asked.is_write else ClusterError(words)
        case _:
            return ClusterUnavailable(words + lost_outcome(asked))


def warnings_of(headers: Iterable[str]) -> list[str]:
    """The texts of `Warning` headers as Kubernetes writes them (`299 - "text"`), at most 20 of them."""
    found = [_WARNING.fullmatch(header.strip()) for header in headers]
    texts = [match[1].replace('\\"', '"').replace("\\\\", "\\") for match in found if match]
    return ["".join(char if char.isprintable() else " " for char in text)[:500] for text in texts[:_MOST_WARNINGS]]


def lost_outcome(asked: Asked) -> str:
    """The warning that a write without an answer needs."""
    return "; whether it was done is not known" if asked.is_write else ""


def _refused(status: int, words: str, asked: Asked) -> ClusterError:
    # Admission (a webhook, Pod Security, quota) answers 403 too; only RBAC says that a user "cannot".
    if status == 403 and asked.is_write and " cannot " not in words:  # noqa: PLR2004
        return ChangeRejected(words)
    if status == 401:  # noqa: PLR2004
        return Unauthenticated(
            f"{words}: the API server does not take these credentials; they may have expired",
            help="kubectl auth whoami    with the same kubeconfig",
        )
    group = api_group(asked.resource)
    rule = f'apiGroups: ["{group}"]  resources: ["{asked.rbac_resource}"]  verbs: ["{asked.verb}"]'
    scope = "" if asked.is_write else " --read"
    return Forbidden(
        f"forbidden: {words}\n  missing  {rule}",
        api_group=group,
        resource=asked.rbac_resource,
        verb=asked.verb,
        help=f"kubernaut rbac render{scope} | kubectl apply -f -",
    )


def _status_of(body: bytes) -> Tree:
    try:
        reply = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Tree({})
    return Tree(reply if isinstance(reply, dict) else {})


def _words(reply: Tree, status: int) -> str:
    message = "".join(char if char.isprintable() else " " for char in reply.text("message")[:_LONGEST_MESSAGE])
    return message or f"the API server answered {status}"


def _retry_after(headers: Mapping[str, str], reply: Tree) -> float:
    text = headers.get("retry-after", "")
    seconds = float(text) if text.isdecimal() else float(reply.integer("details", "retryAfterSeconds", default=1))
    # Seconds alone: Kubernetes never writes the form with a date. Bounded, since a proxy may ask for a day.
    return min(max(seconds, 0.0), 300.0)
