"""The demo's whole story on two scenarios: a model that dies, a fault that comes again, and the recorded month."""

from __future__ import annotations

import asyncio

from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Tree
from kubernaut.entrypoints.chapters import Chapter
from kubernaut.entrypoints.doors import DemoOptions, Ended, Staged
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.storytelling import tell_story

TWICE = ("image-tag-missing", "image-tag-missing-again")


async def test_the_story_tells_of_models_of_the_second_time_and_of_a_simulated_month() -> None:
    chapters: list[Chapter] = []
    with listen("127.0.0.1", 0) as listener:
        async with asyncio.timeout(280), tell_story(DemoOptions(listener, 30, TWICE)) as story:
            happened = [each async for each in story.happenings()]
            # The last chapter runs the checks of readiness, which have tests of their own.
            async for chapter in story.chapters("http://127.0.0.1:8080/"):
                chapters.append(chapter)
                if len(chapters) == 3:
                    break
            store = story.rehearsal.service.outside.store.incidents
            asked = await store.events(after=story.rehearsal.first_seq, kinds=(EventKind.MODEL_ASKED,))
    assert [each.result.name for each in happened if isinstance(each, Ended)] == list(TWICE)
    killed = [each.text for each in happened if isinstance(each, Staged)]
    assert killed == ["the model local was killed; backup is next"]
    assert Tree(asked[0].body).flag("ok")
    models, learning, value = chapters
    assert any(line.startswith("local") and "answered" in line for line in models.lines)
    assert "by memory (0 tokens)" in learning.lines[0]
    assert value.title == "VALUE, simulated"
    assert story.recorded > 50
    assert value.lines[0].startswith(f"{story.recorded} incidents of ")
