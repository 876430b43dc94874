"""A page of a list, of which most objects are only looked at from outside.

A diagnosis looks into some twenty of the hundreds of objects of a namespace. So a page is cut into its objects, of
each only what names it is read, and the rest when somebody looks inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.requests import decode_object, not_json
from kubernaut.adapters.kubernetes.secrets import without_values
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, Owner, Uid


class _Owner(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None


class _About(msgspec.Struct, rename="camel"):
    api_version: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None


class _Head(msgspec.Struct, rename="camel"):
    metadata: _Metadata
    involved_object: _About | None = None


class _ListMetadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    following: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    metadata: _ListMetadata = msgspec.field(default_factory=_ListMetadata)
    items: list[msgspec.Raw] | None = None


_PAGES = msgspec.json.Decoder(_Page)
_HEADS = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Page:
    """The objects of one page; `following` asks for the next one, and is empty at the end."""

    items: list[KubeObject]
    resource_version: str
    following: str
    size: int


def page_of(content: bytes, asked: Asked) -> Page:
    """The page in the body of an answer."""
    try:
        # Cutting a page into its objects does not look at the letters of their texts.
        if not content.isascii():
            content.decode()
        page = _PAGES.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise not_json(asked) from error
    items = [_listed(body, asked) for body in page.items or ()]
    return Page(items, page.metadata.resource_version, page.metadata.following, len(content))


def _listed(body: msgspec.Raw, asked: Asked) -> KubeObject:
    content = _Unopened(body, asked)
    # Opened at once, so that its values are gone before the object is handed to anybody.
    if asked.resource.kind == "Secret":
        return KubeObject(without_values(content.opened))
    try:
        return ListedObject(content, _HEADS.decode(body))
    except msgspec.ValidationError:
        # Names that are no texts: the object is read leniently, like any other.
        return KubeObject(content.opened)


class _Unopened(Mapping[str, Json]):
    """The JSON of an object, taken apart at the first look inside."""

    __slots__ = ("_asked", "_body", "_opened")

    def __init__(self, body: msgspec.Raw, asked: Asked) -> None:
        self._body = body
        self._asked = asked
        self._opened: JsonObject | None = None

    @property
    def opened(self) -> JsonObject:
        if self._opened is None:
            resource = self._asked.resource
            content = decode_object(self._body, self._asked)
            # The items of a list lack both.
            self._opened = {**content, "apiVersion": resource.api_version, "kind": resource.kind}
        return self._opened

    @property
    def api_version(self) -> str:
        return self._asked.resource.api_version

    @property
    def kind(self) -> str:
        return self._asked.resource.kind

    def get(self, key: str, default: Json = None) -> Json:  # type: ignore[override]  # what Mapping says, for one type
        return self.opened.get(key, default)

    def __getitem__(self, key: str) -> Json:
        return self.opened[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.opened)

    def __len__(self) -> int:
        return len(self.opened)


class ListedObject(KubeObject):
    """An object whose address, labels, owner and subject are known without looking inside."""

    __slots__ = ("_head", "_kind", "_version")

    def __init__(self, content: _Unopened, head: _Head) -> None:
        super().__init__(content)
        self._head = head
        self._kind = content.kind
        self._version = content.api_version

    @property
    def ref(self) -> ObjectRef:
        """Its address."""
        return ObjectRef(self._version, self._kind, self.namespace, self.name)

    @property
    def kind(self) -> str:
        """Such as `Deployment`."""
        return self._kind

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return self._head.metadata.name

    @property
    def namespace(self) -> str:
        """Empty for cluster-scoped kinds."""
        return self._head.metadata.namespace or ""

    @property
    def uid(self) -> Uid:
        """The identity that a successor of the same name does not share."""
        return Uid(self._head.metadata.uid or "")

    @property
    def labels(self) -> dict[str, str]:
        """`metadata.labels`."""
        return dict(self._head.metadata.labels or {})

    @property
    def owner(self) -> Owner | None:
        """The owner that controls this object, with its identity."""
        for entry in self._head.metadata.owner_references or ():
            if entry.controller:
                ref = ObjectRef(entry.api_version, entry.kind, self.namespace, entry.name)
                return Owner(ref, Uid(entry.uid))
        return None

    @property
    def regarding(self) -> ObjectRef:
        """What an Event is about."""
        about = self._head.involved_object or _About()
        return ObjectRef(about.api_version or "", about.kind or "", about.namespace or "", about.name or "")
