"""What a client asks, taken apart: path, query, body."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

import msgspec

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.failures import Failure, bad_request, no_such_path, unsupported_media
from kubernaut.sandbox.kinds import BY_PATH, NAMESPACE, Kind

LARGEST_BODY = 3 * 2**20
_LONGEST_MANAGER = 128


@dataclass(frozen=True, slots=True)
class Target:
    """What the path names."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a resource."""

    method: str
    target: Target
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    user: str = ""

    def text(self, name: str) -> str:
        """The query parameter, empty where it is not given."""
        return self.query.get(name, [""])[-1]

    def flag(self, name: str) -> bool:
        """Whether the query parameter is true."""
        return self.text(name).lower() in ("true", "1")

    def integer(self, name: str) -> int | None:
        """The query parameter as a number, None where it is not given; raises a 400 failure for anything else."""
        text = self.text(name)
        if not text:
            return None
        if not text.lstrip("-").isdigit():
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        return int(text)

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip()

    @property
    def verb(self) -> str:
        """The verb as authorization names it."""
        if self.method == "GET":
            if not self.target.name:
                return "watch" if self.flag("watch") else "list"
            return "get"
        if self.method == "DELETE" and not self.target.name:
            return "deletecollection"
        return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(self.method, "get")

    def by(self, *, subresource: str = "") -> By:
        """Who writes: the given field manager, or the first word of the user agent, as the API server takes it."""
        tries = self.query.get("dryRun", [])
        if any(value != "All" for value in tries):
            raise bad_request(f"Invalid value for dryRun: {tries}: supported values: All")
        manager = self.text("fieldManager") or self.headers.get("user-agent", "unknown").split("/", 1)[0]
        return By(manager[:_LONGEST_MANAGER], subresource or self.target.subresource, bool(tries))

    def json(self) -> Json:
        """The body as JSON; raises a 400 failure."""
        try:
            value: Json = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise bad_request(
                f"the object provided is unrecognized (must be of type {self.target.kind.name}): {error}"
            ) from None
        return value

    def object(self) -> JsonObject:
        """The body as an object; raises a 400 or 415 failure."""
        if self.media_type not in ("application/json", ""):
            raise unsupported_media(
                "the body of the request was in an unknown format - accepted media types include: application/json"
            )
        value = self.json()
        if not isinstance(value, dict):
            raise bad_request("the body has to be an object")
        metadata = value.get("metadata", {})
        if not isinstance(metadata, dict) or not isinstance(value.get("spec", {}), dict):
            raise bad_request("json: cannot unmarshal into Go struct field: metadata and spec have to be objects")
        return value


def parse_path(path: str) -> Target | None:
    """The resource that the path names, None where it names none; raises a 404 failure below a known root."""
    match [part for part in path.split("/") if part]:
        case ["api", "v1", *rest] if rest:
            group, version = "", "v1"
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return None
    namespace = ""
    match rest:
        # The status of a namespace has the form of a resource in it.
        case ["namespaces", inside, plural, *_] if group or plural not in NAMESPACE.subresources:
            namespace, rest = inside, rest[2:]
        case _:
            pass
    plural, name, subresource, *further = [*rest, "", ""]
    kind = BY_PATH.get((group, version, plural))
    if kind is None or any(further):
        raise no_such_path()
    target = Target(kind, namespace, name, subresource)
    if not _is_served(target):
        raise no_such_path()
    return target


def _is_served(target: Target) -> bool:
    """Whether the kind lives where the path looks for it, and has that subresource."""
    kind = target.kind
    if target.subresource and target.subresource not in kind.subresources:
        return False
    if target.namespace:
        return kind.namespaced
    # A list may be of all namespaces; one object has to be named with its own.
    return not (target.name and kind.namespaced)


def parse_query(raw: bytes) -> dict[str, list[str]]:
    """The parameters of the query; raises a 400 failure."""
    try:
        return parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=100)
    except (UnicodeDecodeError, ValueError):
        raise bad_request("the query cannot be read") from None


def too_large() -> Failure:
    """413."""
    text = f"Request entity too large: limit is {LARGEST_BODY}"
    return Failure(413, "RequestEntityTooLarge", text)
