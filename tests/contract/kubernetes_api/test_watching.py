from __future__ import annotations

import asyncio
import json
from typing import Any

from .conftest import Api, settings


async def _watch(api: Api, until: int, **query: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    params = {"watch": "true", "timeoutSeconds": "10", **query}
    async with api.client.stream("GET", api.core("configmaps"), params=params) as reply:
        if reply.status_code != 200:
            return [{"type": "ERROR", "object": json.loads(await reply.aread())}]
        async for line in reply.aiter_lines():
            events.append(json.loads(line))
            if len(events) >= until:
                break
    return events


async def test_a_watch_tells_what_came_after_its_version(api: Api) -> None:
    first = await api.make(api.core("configmaps"), settings("one", A="1"))
    await api.patch(api.core("configmaps", "one"), {"data": {"A": "2"}})
    await api.client.delete(api.core("configmaps", "one"))
    version = first["metadata"]["resourceVersion"]
    events = await _watch(api, 2, resourceVersion=version, fieldSelector="metadata.name=one")
    assert [event["type"] for event in events] == ["MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(versions)
    assert events[0]["object"]["kind"] == "ConfigMap"


async def test_a_watch_without_version_begins_with_what_is_there(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one", {"set": "x"}))
    events = await _watch(api, 1, labelSelector="set=x")
    assert (events[0]["type"], events[0]["object"]["metadata"]["name"]) == ("ADDED", "one")


async def test_a_watch_sees_writes_as_they_happen(api: Api) -> None:
    version = (await api.read(api.core("configmaps")))["metadata"]["resourceVersion"]
    async with asyncio.TaskGroup() as group:
        seen = group.create_task(_watch(api, 1, resourceVersion=version, labelSelector="set=live"))
        await asyncio.sleep(0.1)
        await api.make(api.core("configmaps"), settings("one", {"set": "live"}))
    assert seen.result()[0]["type"] == "ADDED"


async def test_an_object_that_leaves_the_selection_is_deleted_to_the_watch(api: Api) -> None:
    made = await api.make(api.core("configmaps"), settings("one", {"set": "in"}))
    await api.patch(api.core("configmaps", "one"), {"metadata": {"labels": {"set": "out"}}})
    version = made["metadata"]["resourceVersion"]
    events = await _watch(api, 1, resourceVersion=version, labelSelector="set=in")
    assert events[0]["type"] == "DELETED"


async def test_an_old_version_is_410_or_gets_everything_since(api: Api) -> None:
    await api.make(api.core("configmaps"), settings("one"))
    await api.client.delete(api.core("configmaps", "one"))
    events = await _watch(api, 2, resourceVersion="1", fieldSelector="metadata.name=one")
    if events[0]["type"] == "ERROR":
        assert events[0]["object"]["code"] == 410
    else:
        assert [event["type"] for event in events] == ["ADDED", "DELETED"]


async def test_a_watch_ends_at_its_time_with_a_bookmark_at_most(api: Api) -> None:
    version = (await api.read(api.core("configmaps")))["metadata"]["resourceVersion"]
    query = {"resourceVersion": version, "timeoutSeconds": "1", "allowWatchBookmarks": "true"}
    events = await _watch(api, 100, labelSelector="set=none", **query)
    assert {event["type"] for event in events} <= {"BOOKMARK"}
    for event in events:
        assert int(event["object"]["metadata"]["resourceVersion"]) >= int(version)
