"""What the API server refuses, as the `Status` bodies that clients know."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.kinds import Kind


class Failure(KubernautError):
    """A request that the simulated API server refuses; `status` is the body of the reply."""

    code = "sandbox_refused"

    def __init__(self, code: int, reason: str, message: str, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.http_code = code
        self.reason = reason
        self.status: JsonObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }
        if details:
            self.status["details"] = details


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that does not hold; `reason` is FieldValueInvalid, FieldValueRequired and so on."""

    path: str
    reason: str
    text: str


def _details(kind: Kind, name: str) -> JsonObject:
    details: JsonObject = {"name": name} if name else {}
    if kind.group:
        details["group"] = kind.group
    details["kind"] = kind.plural
    return details


def not_found(kind: Kind, name: str) -> Failure:
    """404: no object of that name."""
    return Failure(404, "NotFound", f'{kind.qualified} "{name}" not found', _details(kind, name))


def no_such_path() -> Failure:
    """404: no such resource at all."""
    return Failure(404, "NotFound", "the server could not find the requested resource")


def already_exists(kind: Kind, name: str) -> Failure:
    """409 on create."""
    return Failure(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> Failure:
    """409: the object is not the one that was meant any more."""
    why = why or ("the object has been modified; please apply your changes to the latest version and try again")
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return Failure(409, "Conflict", message, _details(kind, name))


def invalid(kind: Kind, name: str, errors: list[FieldError]) -> Failure:
    """422 with one cause a field."""
    texts = [f"{error.path}: {error.text}" for error in errors]
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    causes: list[Json] = [{"reason": error.reason, "message": error.text, "field": error.path} for error in errors]
    details: JsonObject = {"name": name, "group": kind.group, "kind": kind.name, "causes": causes}
    label = f"{kind.name}.{kind.group}" if kind.group else kind.name
    return Failure(422, "Invalid", f'{label} "{name}" is invalid: {joined}', details)


def unprocessable(kind: Kind, name: str, message: str) -> Failure:
    """422 for a patch that cannot be applied to this object."""
    return Failure(422, "Invalid", message, _details(kind, name))


def forbidden(kind: Kind, name: str, why: str) -> Failure:
    """403 by admission or authorization."""
    label = f'{kind.qualified} "{name}"' if name else kind.qualified
    return Failure(403, "Forbidden", f"{label} is forbidden: {why}", _details(kind, name))


def bad_request(message: str) -> Failure:
    """400."""
    return Failure(400, "BadRequest", message)


def expired(message: str) -> Failure:
    """410: the version is too old; list again."""
    return Failure(410, "Expired", message)


def unsupported_media(message: str) -> Failure:
    """415."""
    return Failure(415, "UnsupportedMediaType", message)


def too_many(message: str, cause: str) -> Failure:
    """429: an eviction that a disruption budget does not allow now."""
    details: JsonObject = {
        "causes": [{"reason": "DisruptionBudget", "message": cause}],
        "retryAfterSeconds": 10,
    }
    return Failure(429, "TooManyRequests", message, details)
