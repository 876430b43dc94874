"""What a caller is told when something cannot be done: RFC 9457 problem details, one shape for every error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from kubernaut.domain.errors import (
    AmbiguousId,
    ClusterError,
    InputError,
    KubernautError,
    StoreError,
    StoreUnavailable,
    TransitionRefused,
    UnknownName,
)
from kubernaut.entrypoints.http.replies import Reply

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; `help` is the way out, in words or as a command."""

    status: int
    code: str
    detail: str
    help: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """The problem as JSON."""
        members: dict[str, str | int] = {
            "type": f"urn:kubernaut:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.help:
            members["help"] = self.help
        return msgspec.json.encode(members)

    def reply(self) -> Reply:
        """The problem as an answer."""
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        return Reply(self.status, self.body(), MEDIA_TYPE.encode(), headers)


class RequestRefused(KubernautError):
    """A request that is refused for its form, before anything looked into it."""

    code = "request_refused"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail, help=problem.help)
        self.problem = problem


INTERNAL = Problem(500, "internal", "something failed inside; the log of the service has it", help="try again")


def problem_of(error: KubernautError) -> Problem:
    """How an error of ours is told over HTTP."""
    match error:
        case RequestRefused():
            return error.problem
        case InputError() | TransitionRefused():
            return Problem(_status(error), error.code, str(error), error.help)
        case StoreError():
            return unavailable(error.code, f"the store cannot commit: {error}")
        case ClusterError():
            return unavailable(error.code, str(error))
        case _:
            return INTERNAL


def _status(error: KubernautError) -> int:
    if isinstance(error, UnknownName):
        return 404
    return 409 if isinstance(error, TransitionRefused | AmbiguousId) else 400


def not_stored(error: StoreError) -> Problem:
    """Why nothing of a request was accepted; whoever sent it keeps it and sends it again."""
    return unavailable(StoreUnavailable.code, f"the store cannot commit: {error}; nothing was accepted, send it again")


def unavailable(code: str, detail: str) -> Problem:
    """A 503 that says when to come back."""
    return Problem(503, code, detail, headers={"retry-after": str(_RETRY_AFTER_S)})
