"""What people do with the memory of incidents: look into it, carry it elsewhere, embed it anew, make it forget.

A file of patterns has one JSON object a line. The vectors are in it under the name of their embedder, so that it can
be read back anywhere without embedding again.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from pydantic import ValidationError

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.store import open_store
from kubernaut.adapters.vectors.failover import FailoverPatterns
from kubernaut.domain.errors import InputError, KubernautError, UnknownName
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.objects import JsonObject
from kubernaut.engine.codec import dump, load
from kubernaut.memory_wiring import Kind, build_embedder, open_one, open_patterns
from kubernaut.ports import Embedder, PatternFilter, PatternStore
from kubernaut.settings import Settings

_PAGE = 200
_LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """The pattern store in force and its embedder."""

    patterns: PatternStore
    embedder: Embedder

    async def search(self, text: str, *, where: PatternFilter, limit: int) -> list[Recalled]:
        """The patterns most like the text."""
        (vector,) = await self.embedder.embed([text])
        return await self.patterns.nearest(vector, embedder=self.embedder.name, limit=limit, where=where)

    async def one(self, start: str) -> Pattern:
        """The pattern of that incident."""
        found = await self.patterns.get([IncidentId(start)])
        if not found:
            raise UnknownName(f"no pattern of incident {start}", help="kubernaut patterns list")
        return found[0]

    async def all(self) -> AsyncIterator[Pattern]:
        """Every pattern."""
        async for page in pages(self.patterns):
            for pattern in page:
                yield pattern

    async def reembed(self) -> int:
        """Gives every pattern of another embedder a vector of this one; how many."""
        changed = 0
        async for page in pages(self.patterns):
            old = [each for each in page if each.embedder != self.embedder.name and each.text.strip()]
            vectors = await self.embedder.embed([each.text for each in old])
            await self.patterns.add(
                [
                    replace(each, embedder=self.embedder.name, vector=tuple(vector))
                    for each, vector in zip(old, vectors, strict=True)
                ]
            )
            changed += len(old)
        return changed


@asynccontextmanager
async def memory_of(settings: Settings) -> AsyncIterator[Memory]:
    """The memory that `serve` uses with these settings; an external store is brought up to date first."""
    async with AsyncExitStack() as closing:
        clock = SystemClock()
        store = open_store(settings.store.url)
        closing.callback(store.close)
        patterns = open_patterns(settings, store.database_engine, clock, closing)
        if isinstance(patterns, FailoverPatterns):
            await patterns.settle()
        yield Memory(patterns, build_embedder(settings.embedder, clock, closing))


async def migrate(settings: Settings, source: Kind, target: Kind) -> int:
    """Copies every pattern from one store to the other, which keeps what it has; how many."""
    if source == target:
        raise InputError(f"from {source} to {target}: these are one store")
    async with AsyncExitStack() as closing:
        store = open_store(settings.store.url)
        closing.callback(store.close)
        taken = open_one(source, settings, store.database_engine, closing)
        given = open_one(target, settings, store.database_engine, closing)
        return await copy(taken, given)


async def copy(source: PatternStore, target: PatternStore) -> int:
    """Stores every pattern of one in the other, page by page; how many."""
    copied = 0
    async for page in pages(source):
        await target.add(page)
        copied += len(page)
    return copied


async def pages(store: PatternStore) -> AsyncIterator[Sequence[Pattern]]:
    """All patterns, a page at a time."""
    after = ""
    while page := await store.page(after=after, limit=_PAGE):
        yield page
        after = page[-1].id


async def read_in(lines: Iterable[str], store: PatternStore) -> int:
    """Stores the patterns of an exported file; how many. Raises `InputError` naming the line, which stores none."""
    patterns = [parsed(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    for start in range(0, len(patterns), _PAGE):
        await store.add(patterns[start : start + _PAGE])
    return len(patterns)


def as_json(pattern: Pattern) -> JsonObject:
    """The whole pattern."""
    content = dump(pattern)
    return content if isinstance(content, dict) else {}


def parsed(line: str, number: int) -> Pattern:
    """The pattern of a line of an exported file."""
    if len(line) > _LONGEST_LINE:
        raise InputError(f"line {number}: longer than any pattern")
    try:
        pattern = load(Pattern, json.loads(line))
    except (ValidationError, ValueError) as error:
        raise InputError(f"line {number}: {_first(error)}") from error
    except KubernautError as error:
        raise InputError(f"line {number}: {error}") from error
    if not (pattern.id and pattern.text.strip() and pattern.embedder):
        raise InputError(f"line {number}: a pattern has an id, a text and an embedder")
    return pattern


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    return f"no JSON: {error}"
