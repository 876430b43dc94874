"""Reads of a real API server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.listed import page_of
from kubernaut.adapters.kubernetes.requests import KubernetesApi, check_subject, path_of
from kubernaut.adapters.kubernetes.secrets import without_values
from kubernaut.adapters.kubernetes.watching import watch
from kubernaut.domain.errors import ClusterError, ClusterUnavailable, ObjectMissing, WatchExpired
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef, Tree
from kubernaut.ports import Listing, Resource, WatchEvent
from kubernaut.resources import POD, api_group

LARGEST_LOG: Final = 256 * 2**10
_LARGEST_LOG_SENT: Final = 8 * 2**20
_SHORT_TAIL: Final = 1000
_PAGE: Final = 500
# Ten times what a server needs for the largest bound; one that goes on without bringing anything does not hold us up.
_MOST_PAGES: Final = 100
# Around a restart the kubelet says this with status 200, in place of the log of a container that it has just removed.
_NO_LOG: Final = re.compile(rb"\s*unable to retrieve container logs for [a-z-]+://\w+\s*", re.IGNORECASE)
_REVIEW: Final = Resource(
    "authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False
)
_VERSION: Final = Resource("v1", "Version", "version", namespaced=False)


class KubernetesReader:
    """`ClusterReader` over HTTP."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object as it is now, None where it does not exist."""
        resource = await self._api.resource_of(ref)
        asked = Asked("get", resource, str(ref))
        try:
            raw = await self._api.call(asked, "GET", path_of(resource, ref.namespace, ref.name))
        except ObjectMissing:
            return None
        check_subject(raw, asked, ref, kind=ref.kind)
        return KubeObject(without_values(raw))

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        """The objects of a kind, page by page up to `limit`; starts again once where a page expired meanwhile."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        params = {name: value for name, value in selectors.items() if value}
        try:
            return await self._pages(resource, namespace, params, limit)
        except WatchExpired:
            pass
        try:
            return await self._pages(resource, namespace, params, limit)
        except WatchExpired as error:
            raise ClusterUnavailable(f"the list changes faster than it can be read: {error}") from error

    async def _pages(self, resource: Resource, namespace: str, params: dict[str, str], limit: int) -> Listing:
        asked = Asked("list", resource, f"{resource.plural} of {namespace or 'all namespaces'}")
        items: list[KubeObject] = []
        following, size = "", 0
        for pages in range(1, _MOST_PAGES + 1):
            # One more than wanted: with a selector, a server may offer a next page that turns out to be empty.
            page = {**params, "limit": str(min(_PAGE, limit + 1 - len(items)))}
            if following:
                page["continue"] = following
            reply = page_of(await self._api.content(asked, "GET", path_of(resource, namespace), page), asked)
            items += reply.items
            size += reply.size
            following = reply.following
            if not following or len(items) > limit:
                complete = len(items) <= limit
                return Listing(tuple(items[:limit]), reply.resource_version, complete, pages, size)
        raise ClusterUnavailable(f"{asked.text}: the list did not end within {_MOST_PAGES} pages")

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of a container's log: 256 KiB, or 8 MiB of more than 1,000 lines; None where there is no log."""
        asked = Asked("get", POD, f"{pod} container {container}", "log")
        # The server's own limitBytes cuts off the newest lines; here it only bounds what is sent at all.
        params = {"container": container, "tailLines": str(tail_lines), "limitBytes": str(_LARGEST_LOG_SENT)}
        if previous:
            params["previous"] = "true"
        keep = LARGEST_LOG if tail_lines <= _SHORT_TAIL else _LARGEST_LOG_SENT
        try:
            path = path_of(POD, pod.namespace, pod.name, "log")
            content = await self._api.text(asked, path, params=params, keep=keep)
        except ObjectMissing:
            return None
        except ClusterError as error:
            # 400 is how the server says "waiting to start" and "no previous container"; all else has its own class.
            if type(error) is ClusterError:
                return None
            raise
        return None if _NO_LOG.fullmatch(content) else content.decode(errors="replace")

    def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes from that version on; resumes by itself after a cut."""
        return watch(self._api, resource, namespace, resource_version)

    async def may(self, verb: str, resource: Resource, namespace: str = "", *, subresource: str = "") -> bool:
        """Whether our own account may do this."""
        attributes: JsonObject = {
            "verb": verb,
            "group": api_group(resource),
            "resource": resource.plural,
            "subresource": subresource,
            "namespace": namespace,
        }
        body: JsonObject = {
            "apiVersion": _REVIEW.api_version,
            "kind": _REVIEW.kind,
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        asked = Asked("create", _REVIEW, f"a review of {verb} {resource.plural}")
        return Tree(await self._api.call(asked, "POST", path_of(_REVIEW), body=body)).flag("status", "allowed")

    async def version(self) -> str:
        """The API server's version, such as `v1.34.2`."""
        reply = Tree(await self._api.call(Asked("get", _VERSION, "the server's version"), "GET", "/version"))
        return reply.text("gitVersion")
