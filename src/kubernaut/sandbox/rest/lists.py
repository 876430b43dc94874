"""Lists: selected, in order, page by page."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.domain.selectors import Selector, matches
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.failures import bad_request, expired
from kubernaut.sandbox.kinds import NEW_EVENT, Kind
from kubernaut.sandbox.recorder import as_new_event
from kubernaut.sandbox.rest.requests import Request
from kubernaut.sandbox.selectors import FieldClaim, parse_fields, parse_selector
from kubernaut.sandbox.shapes import decoded, encoded
from kubernaut.sandbox.storage import Stored


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list or a watch is restricted to."""

    namespace: str
    name: str
    labels: Selector
    fields: tuple[FieldClaim, ...]

    def takes(self, stored: Stored) -> bool:
        """Whether the object is wanted."""
        namespace, name = stored.place
        if self.namespace not in ("", namespace) or self.name not in ("", name):
            return False
        if self.labels and not matches(self.labels, stored.view.labels):
            return False
        return all(claim.holds(stored.raw) for claim in self.fields)


def filter_of(request: Request) -> Filter:
    """The filter that the request asks for; raises a 400 failure."""
    target = request.target
    return Filter(
        target.namespace,
        target.name,
        parse_selector(request.text("labelSelector")),
        parse_fields(request.text("fieldSelector"), target.kind.key),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: list[Stored]
    version: str
    following: str = ""
    remaining: int = 0


def find_page(cluster: Cluster, request: Request) -> Page:
    """The page that the request asks for; raises 400 and 410 failures."""
    wanted, kind = filter_of(request), request.target.kind
    version, after = str(cluster.storage.version), ("", "")
    if token := request.text("continue"):
        version, after = _read_token(token, cluster, kind)
    chosen = [stored for stored in cluster.storage.all(kind, wanted.namespace) if wanted.takes(stored)]
    chosen.sort(key=attrgetter("place"))
    if token:
        chosen = [stored for stored in chosen if stored.place > after]
    limit = request.integer("limit") or 0
    if limit <= 0 or len(chosen) <= limit:
        return Page(chosen, version)
    page = chosen[:limit]
    token = urlsafe_b64encode(encoded({"v": version, "after": [*page[-1].place]})).decode().rstrip("=")
    return Page(page, version, token, len(chosen) - limit)


def _read_token(token: str, cluster: Cluster, kind: Kind) -> tuple[str, tuple[str, str]]:
    try:
        tree = Tree(decoded(urlsafe_b64decode(token + "=" * (-len(token) % 4))))
    except (ValueError, msgspec.DecodeError):
        raise bad_request("continue key is not valid") from None
    version, after = tree.text("v"), tree.texts("after")
    if not version.isdigit() or len(after) != 2:  # noqa: PLR2004  # namespace and name
        raise bad_request("continue key is not valid")
    if int(version) < cluster.storage.oldest(kind):
        raise expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list "
            "without the continue parameter."
        )
    return version, (after[0], after[1])


def render_page(kind: Kind, page: Page) -> bytes:
    """The list as JSON, put together from the texts kept with the objects."""
    metadata: dict[str, str | int] = {"resourceVersion": page.version}
    if page.following:
        metadata |= {"continue": page.following, "remainingItemCount": page.remaining}
    head = encoded({"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": {**metadata}})
    if kind is NEW_EVENT:
        items = [encoded(_without_kind(stored)) for stored in page.items]
    else:
        items = [stored.item_text for stored in page.items]
    return b'%s,"items":[%s]}' % (head[:-1], b",".join(items))


def _without_kind(stored: Stored) -> JsonObject:
    shown = as_new_event(stored.raw)
    return {key: value for key, value in shown.items() if key not in ("apiVersion", "kind")}
