"""Login plugins of a kubeconfig, well and ill, as real programs."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import httpx2
import pytest
from lightkube.config.models import NameValue, UserExec
from lightkube.core.exceptions import ConfigError

from kubernaut.adapters.kubernetes.login_plugin import LoginPlugin

V1 = "client.authentication.k8s.io/v1"


def a_plugin(script: str, **more: str) -> LoginPlugin:
    told = [NameValue(name, value) for name, value in more.items()]
    return LoginPlugin(UserExec(apiVersion=V1, command="sh", args=["-c", script], env=told))


def a_request() -> httpx2.Request:
    return httpx2.Request("GET", "https://cluster.example/api")


async def bearer(plugin: LoginPlugin, *, refused: bool = False) -> str:
    """What a request goes out with, the first of it where `refused` is not set."""
    flow = plugin.async_auth_flow(a_request())
    asked = await anext(flow)
    if refused:
        asked = await flow.asend(httpx2.Response(401, request=asked))
    await flow.aclose()
    return asked.headers["Authorization"]


def answering(token: str) -> str:
    return f"echo '{json.dumps({'kind': 'ExecCredential', 'status': {'token': token}})}'"


async def test_requests_that_wait_for_a_token_ask_for_one_together_and_again_where_it_is_refused(
    tmp_path: Path,
) -> None:
    script = """echo x >> $CALLS; printf '{"status": {"token": "t%d"}}' $(wc -l < $CALLS)"""
    plugin = a_plugin(script, CALLS=str(tmp_path / "calls"))

    assert set(await asyncio.gather(*(bearer(plugin) for _ in range(5)))) == {"Bearer t1"}
    assert set(await asyncio.gather(*(bearer(plugin, refused=True) for _ in range(5)))) == {"Bearer t2"}
    assert await bearer(plugin) == "Bearer t2"


async def test_a_plugin_is_told_that_nobody_is_there_and_keeps_the_variables_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBERNAUT_TEST_PROFILE", "duty")
    script = """
        case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*)
            printf '{"status": {"token": "%s"}}' $KUBERNAUT_TEST_PROFILE;;
        esac"""
    assert await bearer(a_plugin(script)) == "Bearer duty"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo no JSON", "no ExecCredential"),
        ("true", "no ExecCredential"),
        ("printf '\\377'", "no ExecCredential"),
        ("""echo '{"status": {}}'""", "no token"),
        (answering("two\\nlines"), "no token"),
        ("echo it broke >&2; exit 3", "sh ended with 3: it broke"),
        ("head -c 2000000 /dev/zero", "no ExecCredential"),
    ],
)
async def test_a_plugin_that_gives_no_token_is_named_with_what_it_did(script: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        await bearer(a_plugin(script))


async def test_a_plugin_that_hangs_is_gone_with_what_it_began_once_nobody_waits_for_it(tmp_path: Path) -> None:
    fifo = tmp_path / "held"
    os.mkfifo(fifo)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bearer(a_plugin("exec 3> $HELD; echo here >&3; sleep 60; true", HELD=str(fifo))))
        held = await asyncio.to_thread(fifo.open)
        with held:
            assert await asyncio.to_thread(held.readline) == "here\n"
            waiting.cancel()
            # It ends only when nobody holds its other end any more, neither the plugin nor its child.
            assert await asyncio.to_thread(held.read) == ""


async def test_a_plugin_that_takes_too_long_is_said_to() -> None:
    slow = LoginPlugin(UserExec(apiVersion=V1, command="sleep", args=["60"]), patience_s=0.01)
    with pytest.raises(ConfigError, match=r"sleep took longer than 0\.01 s"):
        await bearer(slow)
