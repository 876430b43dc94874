"""What the service does not do at present is told, and takes it out of no load balancer."""

from __future__ import annotations

from dataclasses import replace

import httpx2

from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.errors import PolicyError
from tests.serving import memory_parts, serving


async def _broken() -> None:
    raise PolicyError("nothing is allowed: p.yaml line 3, rules[0].then: wrong")


async def _fine() -> None:
    return None


async def test_a_policy_that_cannot_be_used_is_told_while_alerts_are_still_taken() -> None:
    parts = replace(memory_parts(MemorySignalStore()), limits={"policy": _broken})
    async with serving(parts) as address, httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{address}/readyz")
    assert answer.status_code == 200
    assert answer.json()["limits"] == {"policy": "nothing is allowed: p.yaml line 3, rules[0].then: wrong"}


async def test_a_service_without_a_limit_says_nothing_of_limits() -> None:
    parts = replace(memory_parts(MemorySignalStore()), limits={"policy": _fine})
    async with serving(parts) as address, httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{address}/readyz")
    assert (answer.status_code, "limits" in answer.json()) == (200, False)


async def test_a_check_that_fails_still_takes_it_out_of_service() -> None:
    parts = replace(memory_parts(MemorySignalStore()), checks={"store": _broken})
    async with serving(parts) as address, httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{address}/readyz")
    assert answer.status_code == 503
