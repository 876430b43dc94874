"""The value report of a running service, over HTTP and through the command line."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest

from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.http.app import HttpParts
from tests.integration.test_http_api import client, desk, parts  # noqa: F401  # fixtures
from tests.worth import a_month, tell

PERIOD = {"since": "2026-03-01", "until": "2026-04-05"}


async def test_a_running_service_gives_the_report(client: httpx2.AsyncClient, parts: HttpParts) -> None:  # noqa: F811
    await tell(parts.incidents, a_month(12))

    document = (await client.get("/api/v1/value", params=PERIOD)).json()

    assert document["incidents"] == len(document["lines"]) == 12
    assert document["metrics"]["cost_savings_usd"]["why"] == "undeclared: minutes_by_hand, wage_usd_per_h"


async def test_the_command_line_writes_the_report_of_a_service(
    client: httpx2.AsyncClient,  # noqa: F811
    parts: HttpParts,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    await tell(parts.incidents, a_month(12))
    words = [
        "value",
        "report",
        "--since",
        PERIOD["since"],
        "--until",
        PERIOD["until"],
        "--server",
        str(client.base_url),
    ]

    assert await asyncio.to_thread(run, [*words, "--json"]) == 0
    by_service = json.loads(capsys.readouterr().out)
    assert await asyncio.to_thread(run, words) == 0

    assert by_service == (await client.get("/api/v1/value", params=PERIOD)).json()
    assert "12 incidents closed" in capsys.readouterr().out


@pytest.mark.parametrize("since", ["3x", "2026-13-01", "x" * 50, "1d; drop"])
async def test_a_period_that_cannot_be_read_is_refused(client: httpx2.AsyncClient, since: str) -> None:  # noqa: F811
    answer = await client.get("/api/v1/value", params={"since": since})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
