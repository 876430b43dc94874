"""Patterns in Weaviate, through its own client (extra `weaviate`; HTTP for the schema, gRPC for everything else).

One collection an embedder, since a collection holds vectors of one dimension; its description is the embedder's name.
An object's id is made from the pattern's, so storing one again replaces it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import weaviate
from httpx import HTTPError
from weaviate.auth import AuthCredentials
from weaviate.classes.config import Configure, DataType, Property, Tokenization, VectorDistances
from weaviate.classes.data import DataObject
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.classes.query import Filter, MetadataQuery, Sort
from weaviate.collections.classes.filters import _Filters
from weaviate.collections.classes.types import WeaviateField, WeaviateProperties
from weaviate.collections.collection import CollectionAsync
from weaviate.connect import ConnectionParams
from weaviate.exceptions import WeaviateBaseError

from kubernaut.adapters.vectors.rows import cells, pattern_of
from kubernaut.domain.errors import InputError, SettingsError, StoreError, StoreUnavailable
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import PatternFilter
from kubernaut.ports.patterns import ANY

_PREFIX = "KubernautPatterns"
_IDS = UUID("6f3c1d5e-6b0f-4a8e-9d0b-2a1d6a5c7b11")
_WORDS = ("key", "text", "cause", "action", "ending", "embedder", "namespace", "body")
_NUMBERS = ("seconds", "at")
_INIT_S, _QUERY_S, _INSERT_S = 5, 10, 60

Collection: TypeAlias = "CollectionAsync[WeaviateProperties, None]"


class WeaviatePatterns:
    """Connects at the first call, and again after a connection that could not be made."""

    def __init__(self, url: str, *, grpc_port: int, key_file: Path | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise SettingsError(f"memory.url {url}: Weaviate's address starts with http:// or https://")
        if urlsplit(url).port == grpc_port:
            raise SettingsError("memory.weaviate: HTTP and gRPC need a port each", help="kubernaut config show")
        self._parameters = ConnectionParams.from_url(url, grpc_port, grpc_secure=url.startswith("https://"))
        self._key_file = key_file
        self._client: weaviate.WeaviateAsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def add(self, patterns: Sequence[Pattern]) -> None:
        """Stores the patterns; one of an id that is there replaces it."""
        by_embedder: dict[str, list[Pattern]] = {}
        for pattern in {each.id: each for each in patterns}.values():
            by_embedder.setdefault(pattern.embedder, []).append(pattern)
        with _translated("storing patterns"):
            for embedder, those in by_embedder.items():
                place = await self._made(embedder)
                await self._drop([each.id for each in those], besides=place.name)
                done = await place.data.insert_many([_object(each) for each in those])
                if done.has_errors:
                    raise StoreError(f"Weaviate refused a pattern: {next(iter(done.errors.values())).message}")

    async def nearest(
        self, vector: Sequence[float], *, embedder: str, limit: int = 5, where: PatternFilter = ANY
    ) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""
        with _translated("searching patterns"):
            client = await self._connected()
            if limit < 1 or not await client.collections.exists(_name(embedder)):
                return []
            place = client.collections.use(_name(embedder))
            await _check_dimension(place, embedder, len(vector))
            found = await place.query.near_vector(
                list(vector),
                limit=limit,
                filters=_filters(where),
                include_vector=True,
                return_metadata=MetadataQuery(distance=True),
            )
        recalled = [
            Recalled(_pattern(each.properties, each.vector), max(-1.0, min(1.0, 1.0 - (each.metadata.distance or 0.0))))
            for each in found.objects
        ]
        return sorted(recalled, key=lambda each: (-each.likeness, each.pattern.id))

    async def set_outcome(self, pattern: IncidentId, ending: Ending) -> bool:
        """Corrects how it ended; False where there is no such pattern."""
        known = await self.get([pattern])
        await self.add([replace(each, ending=ending) for each in known])
        return bool(known)

    async def delete(self, ids: Sequence[IncidentId]) -> int:
        """Forgets those patterns; how many there were."""
        with _translated("forgetting patterns"):
            return await self._drop(ids)

    async def get(self, ids: Sequence[IncidentId]) -> list[Pattern]:
        """Those of the ids that are there."""
        if not ids:
            return []
        found: dict[str, Pattern] = {}
        with _translated("reading patterns"):
            for place in await self._places():
                page = await place.query.fetch_objects_by_ids(
                    [_uuid(name) for name in ids], limit=len(ids), include_vector=True
                )
                found.update(
                    {str(each.properties["key"]): _pattern(each.properties, each.vector) for each in page.objects}
                )
        return [found[name] for name in ids if name in found]

    async def page(self, *, after: str = "", limit: int = 500) -> list[Pattern]:
        """The patterns whose id follows `after`."""
        following = Filter.by_property("key").greater_than(after) if after else None
        return sorted(await self._fetched(following, "key", limit), key=lambda each: each.id)[:limit]

    async def newest(self, *, where: PatternFilter = ANY, limit: int = 50) -> list[Pattern]:
        """The patterns that finished last, newest first."""
        found = await self._fetched(_filters(where), "at", limit)
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)[:limit]

    async def count(self, *, embedder: str = "", where: PatternFilter = ANY) -> int:
        """How many there are, of one embedder or of all."""
        total = 0
        with _translated("counting patterns"):
            for place in await self._places():
                if embedder and place.name != _name(embedder):
                    continue
                counted = await place.aggregate.over_all(filters=_filters(where), total_count=True)
                total += counted.total_count or 0
        return total

    async def aclose(self) -> None:
        """Gives the connections back."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _connected(self) -> weaviate.WeaviateAsyncClient:
        async with self._connecting:
            if self._client is None:
                limits = AdditionalConfig(
                    timeout=Timeout(init=_INIT_S, query=_QUERY_S, insert=_INSERT_S), trust_env=False
                )
                client = weaviate.WeaviateAsyncClient(
                    self._parameters, auth_client_secret=self._key(), additional_config=limits
                )
                try:
                    await client.connect()
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    def _key(self) -> AuthCredentials | None:
        if self._key_file is None:
            return None
        try:
            return Auth.api_key(self._key_file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"memory.key_file: {self._key_file} cannot be read") from error

    async def _made(self, embedder: str) -> Collection:
        """The embedder's collection, made where it is missing."""
        collections = (await self._connected()).collections
        name = _name(embedder)
        if not await collections.exists(name):
            words = [
                Property(
                    name=word, data_type=DataType.TEXT, tokenization=Tokenization.FIELD, index_searchable=False,
                    index_filterable=word not in {"text", "body"},
                )
                for word in _WORDS
            ]  # fmt: skip
            numbers = [Property(name=word, data_type=DataType.NUMBER) for word in _NUMBERS]
            index = Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
            await collections.create(
                name,
                description=embedder,
                properties=[*words, *numbers, Property(name="dimension", data_type=DataType.INT)],
                vector_config=Configure.Vectors.self_provided(vector_index_config=index),
            )
        return collections.use(name)

    async def _places(self) -> list[Collection]:
        collections = (await self._connected()).collections
        names = await collections.list_all()
        return [collections.use(name) for name in sorted(names) if name.startswith(_PREFIX)]

    async def _drop(self, ids: Sequence[IncidentId], *, besides: str = "") -> int:
        dropped = 0
        if ids:
            for place in await self._places():
                if place.name != besides:
                    done = await place.data.delete_many(
                        where=Filter.by_id().contains_any([_uuid(name) for name in ids])
                    )
                    dropped += done.successful
        return dropped

    async def _fetched(self, filters: _Filters | None, order: str, limit: int) -> list[Pattern]:
        sort = Sort.by_property(order, ascending=order == "key")
        found: list[Pattern] = []
        with _translated("reading patterns"):
            for place in await self._places():
                page = await place.query.fetch_objects(filters=filters, sort=sort, limit=limit, include_vector=True)
                found += [_pattern(each.properties, each.vector) for each in page.objects]
        return found


def _name(embedder: str) -> str:
    return f"{_PREFIX}{hashlib.sha256(embedder.encode()).hexdigest()[:12]}"


def _uuid(name: str) -> UUID:
    return uuid5(_IDS, name)


def _object(pattern: Pattern) -> DataObject[WeaviateProperties, None]:
    values = cast("dict[str, WeaviateField]", cells(pattern))
    del values["vector"]
    values["key"] = values.pop("id")
    return DataObject(properties=values, uuid=_uuid(pattern.id), vector=list(pattern.vector))


def _pattern(properties: Mapping[str, object], vectors: Mapping[str, object]) -> Pattern:
    return pattern_of({**properties, "id": properties["key"]}, vector=cast("Sequence[float]", vectors["default"]))


def _filters(where: PatternFilter) -> _Filters | None:
    named = {"cause": where.cause, "namespace": where.namespace, "ending": where.ending and where.ending.value}
    wanted: Iterable[_Filters] = [
        *(Filter.by_property(name).equal(word) for name, word in named.items() if word),
        *([Filter.by_property("at").greater_or_equal(where.since.timestamp())] if where.since else []),
    ]
    return Filter.all_of(list(wanted)) if wanted else None


async def _check_dimension(place: Collection, embedder: str, asked: int) -> None:
    page = await place.query.fetch_objects(limit=1, return_properties=["dimension"])
    for each in page.objects:
        if each.properties["dimension"] != asked:
            raise InputError(f"{embedder} has {each.properties['dimension']} dimensions, the vector has {asked}")


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except (WeaviateBaseError, HTTPError, OSError) as error:
        raise StoreUnavailable(f"{doing} in Weaviate: {str(error).strip().splitlines()[0][:200]}") from error
