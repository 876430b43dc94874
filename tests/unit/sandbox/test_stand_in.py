"""The stand-in for a model: it answers what the rules suspect, and dies when it is killed."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest

from kubernaut.sandbox.stand_in import StandIn

PROMPT = """Object: "shop/deployment/checkout"

Remedies (id: meaning):
rollback_deployment: returns it to revision 6
none: no remedy fits

DATA
fact e1 (change): "revision 6 to 7"
suspected crash_after_change (94 %): "It does not know the flag."
END DATA
"""


def question(prompt: str) -> dict[str, object]:
    return {"model": "stand-in", "messages": [{"role": "user", "content": prompt}]}


async def test_it_answers_what_the_rules_suspect_with_their_first_fact() -> None:
    async with StandIn(latency_s=0) as model, httpx2.AsyncClient() as client:
        answer = await client.post(f"{model.url}/chat/completions", json=question(PROMPT))
        said = json.loads(answer.json()["choices"][0]["message"]["content"])
        assert (said["cause"], said["action"], said["confidence_percent"], said["evidence"]) == (
            "crash_after_change", "rollback_deployment", 94, ["e1"],
        )  # fmt: skip
        nothing = await client.post(f"{model.url}/chat/completions", json=question("What is it?"))
        assert json.loads(nothing.json()["choices"][0]["message"]["content"])["cause"] == "unknown"
        assert model.answered == 2


async def test_a_killed_one_answers_neither_what_it_was_asked_nor_what_comes() -> None:
    async with StandIn(latency_s=60) as model, httpx2.AsyncClient() as client:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(_asks(client, model))
            while not model.is_asked:
                await asyncio.sleep(0.01)
            model.kill()
        assert not waiting.result()
        assert not await _asks(client, model)


async def _asks(client: httpx2.AsyncClient, model: StandIn) -> bool:
    try:
        await client.post(f"{model.url}/chat/completions", json=question(PROMPT))
    except httpx2.HTTPError:
        return False
    return True


@pytest.mark.parametrize("body", [b"{", b"[]"])
async def test_what_cannot_be_read_ends_the_connection(body: bytes) -> None:
    async with StandIn(latency_s=0) as model, httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.HTTPError):
            await client.post(f"{model.url}/chat/completions", content=body)
