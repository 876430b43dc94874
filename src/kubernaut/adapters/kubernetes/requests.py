"""One HTTP call to the API server: bounded in number, time and size, and translated into our errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from time import perf_counter
from typing import Final, Self
from urllib.parse import quote, urlencode

import httpx2
import msgspec
from lightkube.core.exceptions import ConfigError

from kubernaut.adapters.kubernetes.answers import Asked, error_for, lost_outcome, warnings_of
from kubernaut.adapters.kubernetes.connection import ClusterOptions, open_client
from kubernaut.domain.errors import ClusterError, ClusterUnavailable, ObjectMissing, Unauthenticated
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, Tree
from kubernaut.ports import Meter, Resource
from kubernaut.resources import resource_of

# One answer of that size is all that a whole diagnosis may read.
LARGEST_BODY: Final = 128 * 2**20
_LARGEST_REFUSAL: Final = 64 * 2**10
_LONGEST_NAME: Final = 253
# After these a write is known not to have reached the server, so nothing is left open.
_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


class KubernetesApi:
    """The connection that reader and writer share. Close it, or use it as a context."""

    def __init__(self, options: ClusterOptions, meter: Meter | None = None) -> None:
        self._options = options
        self._meter = meter
        self._client, self._wire = open_client(options)
        self._address = str(self._client.base_url).rstrip("/")
        self._headers = self._client.headers.multi_items()
        self._extensions = {"timeout": self._client.timeout.as_dict()}
        # A bound of our own: the server's priority and fairness would queue what is too much, and so make us wait
        # unseen.
        self._places = asyncio.Semaphore(options.concurrency)
        self._discovered: dict[tuple[str, str], Resource] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    @property
    def server(self) -> str:
        """The address of the API server."""
        return str(self._client.base_url)

    async def call(
        self,
        asked: Asked,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Json = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        """The object that the server answers with; any answer that is none is a `ClusterError`."""
        return decode_object(await self.content(asked, method, path, params, body, content_type), asked)

    async def content(
        self,
        asked: Asked,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Json = None,
        content_type: str = "application/json",
    ) -> bytes:
        """The body of the answer, whole."""
        content = msgspec.json.encode(body) if body is not None else None
        headers = self._headers if content is None else [*self._headers, ("Content-Type", content_type)]
        # As the client would build it, which looks through its settings for every request.
        request = httpx2.Request(
            method, self._url(path, params), headers=headers, content=content, extensions=self._extensions
        )
        async with self._places, self.streaming(asked, request, deadline_s=self._options.deadline_s) as response:
            return await read_up_to(response, LARGEST_BODY, asked)

    async def text(self, asked: Asked, path: str, *, params: Mapping[str, str], keep: int) -> bytes:
        """The last `keep` bytes of an answer that is text."""
        request = self._client.build_request("GET", self._url(path, params))
        # A log may be sent whole although only its end was asked for; no more than the end is ever held.
        tail = bytearray()
        async with self._places, self.streaming(asked, request, deadline_s=self._options.deadline_s) as response:
            async for chunk in response.aiter_bytes():
                tail += chunk
                del tail[: max(0, len(tail) - keep)]
        return bytes(tail)

    def watch_request(self, path: str, params: Mapping[str, str], *, read_timeout_s: float) -> httpx2.Request:
        """A request whose answer goes on for minutes."""
        timeout = httpx2.Timeout(read_timeout_s, connect=self._options.connect_timeout_s)
        return self._client.build_request("GET", self._url(path, params), timeout=timeout)

    def _url(self, path: str, params: Mapping[str, str] | None) -> httpx2.URL:
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        try:
            return _parsed(f"{self._address}{path}{query}")
        except httpx2.InvalidURL as error:
            raise ClusterError(f"no address of an API server: {path[:80]}: {error}") from error

    @asynccontextmanager
    async def streaming(
        self, asked: Asked, request: httpx2.Request, *, deadline_s: float | None
    ) -> AsyncIterator[httpx2.Response]:
        """The 2xx answer of a request while it is being read; whatever goes wrong with it is a `ClusterError`."""
        try:
            # The client's time-outs are for each read; an answer that trickles would go on for as long as it likes.
            async with asyncio.timeout(deadline_s):
                response = await self._send(request, asked)
                try:
                    if not response.is_success:
                        # A refusal is a few hundred bytes; a proxy in between may send a page of any size instead.
                        body = await read_up_to(response, _LARGEST_REFUSAL, asked)
                        raise error_for(response.status_code, response.headers, body, asked)
                    asked.warnings.extend(warnings_of(response.headers.get_list("warning")))
                    yield response
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise ClusterUnavailable(f"{asked.text}: no answer in {deadline_s:g} s{lost_outcome(asked)}") from error
        except _NEVER_SENT as error:
            raise ClusterUnavailable(f"{asked.text}: cannot reach {self.server} ({_name(error)})") from error
        except httpx2.HTTPError as error:
            cut = f"the connection to {self.server} failed ({_name(error)})"
            raise ClusterUnavailable(f"{asked.text}: {cut}{lost_outcome(asked)}") from error

    async def _send(self, request: httpx2.Request, asked: Asked) -> httpx2.Response:
        began = perf_counter()
        status = "none"
        try:
            if self._wire is not None:
                response = await self._wire.send(request, self._client.auth)
            else:
                response = await self._client.send(request, stream=True)
            status = str(response.status_code)
        # What lightkube raises where an exec plugin or a token file of the kubeconfig lets it down.
        except (ConfigError, OSError, ValueError) as error:
            raise Unauthenticated(f"{asked.text}: the kubeconfig's login gave no token: {error}") from error
        finally:
            if self._meter is not None:
                self._meter.count("cluster_requests", verb=asked.verb, status=status)
                self._meter.observe("cluster_request_seconds", perf_counter() - began, verb=asked.verb)
        return response

    async def resource_of(self, ref: ObjectRef) -> Resource:
        """The resource of the object's kind: from our table, else asked of the server once."""
        known = resource_of(ref) or self._discovered.get((ref.api_version, ref.kind))
        if known is not None:
            return known
        place = "apis" if "/" in ref.api_version else "api"
        asked = Asked("get", Resource(ref.api_version, ref.kind, ref.kind.lower()), f"the kinds of {ref.api_version}")
        found = Tree(await self.call(asked, "GET", f"/{place}/{ref.api_version}"))
        for entry in found.trees("resources"):
            # Discovery lists subresources (`deployments/scale`) beside resources, some under the same kind.
            if entry.text("kind") == ref.kind and "/" not in entry.text("name"):
                resource = Resource(ref.api_version, ref.kind, entry.text("name"), namespaced=entry.flag("namespaced"))
                self._discovered[ref.api_version, ref.kind] = resource
                return resource
        raise ObjectMissing(f"the API server has no kind {ref.kind} in {ref.api_version}")


@lru_cache(maxsize=2048)
def _parsed(url: str) -> httpx2.URL:
    # The same lists are read again and again, and httpx2 takes a URL apart several times a request.
    return httpx2.URL(url)


def path_of(resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The path of a collection, an object or a part of it."""
    prefix = "apis" if "/" in resource.api_version else "api"
    parts = [prefix, *resource.api_version.split("/")]
    if namespace and resource.namespaced:
        parts += ["namespaces", namespace]
    parts += [part for part in (resource.plural, name, subresource) if part]
    return "".join("/" + _segment(part) for part in parts)


def _segment(part: str) -> str:
    # No API server keeps an object of such a name, and in an address it would stand for another one, or for none.
    if part in {".", ".."} or len(part) > _LONGEST_NAME:
        raise ClusterError(f"not a name: {part[:80]}")
    return quote(part, safe="")


async def read_up_to(response: httpx2.Response, most: int, asked: Asked) -> bytes:
    """The body, refused where it is larger than `most`."""
    body = bytearray()
    # What is not encoded needs none of the decoders that httpx2 puts in between.
    plain = response.stream if isinstance(response.stream, httpx2.AsyncByteStream) else None
    async for chunk in response.aiter_bytes() if plain is None or "content-encoding" in response.headers else plain:
        body += chunk
        if len(body) > most:
            raise ClusterUnavailable(f"{asked.text}: the answer is larger than {most // 2**10} KiB")
    return bytes(body)


def decode_object(content: bytes | msgspec.Raw, asked: Asked) -> JsonObject:
    """The JSON object of a body."""
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_json(asked) from error
    if not isinstance(value, dict):
        raise ClusterUnavailable(f"{asked.text}: the answer is no object{lost_outcome(asked)}")
    return value


def check_subject(content: JsonObject, asked: Asked, ref: ObjectRef, *, kind: str = "", uid: str = "") -> None:
    """Refuses an answer that is about anything else: whoever gave it, nothing is known about the object that was meant.

    `kind` and `uid` are looked at where they are given.
    """
    item = KubeObject(content)
    same_place = item.namespace == (ref.namespace if asked.resource.namespaced else "")
    if not same_place or item.name != ref.name or kind not in ("", item.kind) or uid not in ("", item.uid):
        raise ClusterUnavailable(f"{asked.text}: the answer is about {item.ref}, not {ref}{lost_outcome(asked)}")


def not_json(asked: Asked) -> ClusterUnavailable:
    """What an answer is that cannot be read."""
    return ClusterUnavailable(f"{asked.text}: the answer is not JSON{lost_outcome(asked)}")


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
