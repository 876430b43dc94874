"""A real Prometheus with known series, and servers that only look like one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import DEVNULL, Popen, run

import httpx2
import pytest

from kubernaut.adapters.prometheus.queries import PrometheusMetrics
from kubernaut.domain import measures
from kubernaut.domain.errors import MetricsUnavailable
from kubernaut.domain.measures import CPU_THROTTLED, VOLUME_FREE, Asked, Measure
from tests.postgres import free_port

PROGRAMS = shutil.which("prometheus"), shutil.which("promtool")
ONE = Asked("one", "vector(1)")
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
needs_prometheus = pytest.mark.skipif(None in PROGRAMS, reason="no Prometheus here (apt-get install prometheus)")
# Two containers of one pod: periods and throttled periods that grow evenly, one throttled in 60 %, the other never.
GROWTH = {
    ("container_cpu_cfs_periods_total", "app"): 600,
    ("container_cpu_cfs_throttled_periods_total", "app"): 360,
    ("container_cpu_cfs_periods_total", "proxy"): 600,
    ("container_cpu_cfs_throttled_periods_total", "proxy"): 0,
}


def series() -> str:
    """OpenMetrics text: half an hour before noon, a sample a minute."""
    lines = []
    for name in sorted({name for name, _ in GROWTH}):
        lines.append(f"# TYPE {name.removesuffix('_total')} counter")
        for (family, container), growth in GROWTH.items():
            labels = f'{{namespace="shop",pod="checkout-1",container="{container}"}}'
            for minute in range(31) if family == name else ():
                moment = NOON.timestamp() - 60 * (30 - minute)
                lines.append(f"{name}{labels} {growth * minute} {moment:.0f}")
    for name, value in (("available", 1e8), ("capacity", 1e10)):
        lines.append(f"# TYPE kubelet_volume_stats_{name}_bytes gauge")
        labels = '{namespace="shop",persistentvolumeclaim="ledger"}'
        lines.append(f"kubelet_volume_stats_{name}_bytes{labels} {value} {NOON.timestamp():.0f}")
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program, tool = PROGRAMS
    assert program and tool  # noqa: PT018  # the mark of those who ask for it has looked
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "series.txt").write_text(series())
    (folder / "empty.yaml").write_text("{}\n")
    command = [tool, "tsdb", "create-blocks-from", "openmetrics", str(folder / "series.txt"), str(folder / "data")]
    run(command, check=True, stdout=DEVNULL, timeout=60)
    port = free_port()
    process = Popen(
        [
            program,
            f"--config.file={folder / 'empty.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        _await_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _await_ready(url: str) -> None:
    transport = httpx2.HTTPTransport(retries=8)
    with httpx2.Client(transport=transport, timeout=30) as client:
        for _ in range(200):
            if client.get(f"{url}/-/ready").status_code == 200:
                return
    raise AssertionError("Prometheus did not become ready")


@asynccontextmanager
async def connected(url: str, **how: object) -> AsyncIterator[PrometheusMetrics]:
    metrics = PrometheusMetrics(url, **how)  # type: ignore[arg-type]
    yield metrics
    await metrics.aclose()


@needs_prometheus
@pytest.mark.integration
async def test_the_share_of_throttled_periods_comes_out_as_it_was_put_in(prometheus: str) -> None:
    async with connected(prometheus) as metrics:
        told = await metrics.measure(CPU_THROTTLED.of(namespace="shop"), at=NOON)

    shares = {each.labels["container"]: round(each.value, 3) for each in told}
    assert shares == {"app": 0.6, "proxy": 0.0}


@needs_prometheus
@pytest.mark.integration
async def test_a_query_with_a_reach_brings_the_values_of_that_time(prometheus: str) -> None:
    name = "container_cpu_cfs_periods_total"
    asked = Asked("periods", f'{name}{{container="app"}}', timedelta(minutes=20))
    async with connected(prometheus) as metrics:
        (told,) = await metrics.measure(asked, at=NOON)

    assert told.points[0][0] == NOON - timedelta(minutes=20)
    assert told.points[-1] == (NOON, 18_000.0)
    assert [value for _, value in told.points] == sorted(value for _, value in told.points)


@needs_prometheus
@pytest.mark.integration
async def test_the_free_share_of_a_volume_is_found_by_its_claim(prometheus: str) -> None:
    async with connected(prometheus) as metrics:
        (told,) = await metrics.measure(VOLUME_FREE.of(namespace="shop"), at=NOON)

    assert told.labels == {"persistentvolumeclaim": "ledger"}
    assert told.value == pytest.approx(0.01)


@needs_prometheus
@pytest.mark.integration
@pytest.mark.parametrize(
    "measure", [each for each in vars(measures).values() if isinstance(each, Measure)], ids=lambda each: each.name
)
async def test_every_template_is_a_query_that_prometheus_takes(prometheus: str, measure: Measure) -> None:
    asked = measure.of(namespace="shop", pod='we"ird', container="a\\b")
    async with connected(prometheus) as metrics:
        await metrics.measure(asked, at=NOON)


@needs_prometheus
@pytest.mark.integration
async def test_a_query_that_prometheus_refuses_is_said_with_its_reason(prometheus: str) -> None:
    async with connected(prometheus) as metrics:
        with pytest.raises(MetricsUnavailable, match="parse error"):
            await metrics.measure(Asked("broken", "sum("), at=NOON)


@asynccontextmanager
async def answering(reply: bytes | None) -> AsyncIterator[str]:
    """A server that gives every request these bytes, or never an answer."""
    done = asyncio.Event()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if reply is None:
            await done.wait()
        else:
            writer.write(reply)
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    done.set()
    server.close()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + body


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (ok(b"<html>welcome</html>"), "no Prometheus"),
        (ok(b'{"status":"success","data":{"resultType":"vector","result":[{"metric":1}]}}'), "no Prometheus"),
        (ok(b""), "no Prometheus"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad", "HTTP 502"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "HTTP 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{", "does not answer"),
        (b"nonsense\r\n\r\n", "does not answer"),
        (ok(b'{"status":"error","errorType":"timeout","error":"query timed out"}'), "query timed out"),
    ],
)
async def test_an_answer_that_is_none_is_an_error_that_says_so(reply: bytes, words: str) -> None:
    async with answering(reply) as url, connected(url) as metrics:
        with pytest.raises(MetricsUnavailable, match=words):
            await metrics.measure(ONE, at=NOON)


async def test_an_answer_without_end_is_cut_off() -> None:
    async with answering(ok(b" " * (9 * 2**20))) as url, connected(url) as metrics:
        with pytest.raises(MetricsUnavailable, match="more than 8 MiB"):
            await metrics.measure(ONE, at=NOON)


async def test_a_server_that_hangs_is_given_up() -> None:
    async with answering(None) as url, connected(url, timeout=timedelta(milliseconds=50)) as metrics:
        with pytest.raises(MetricsUnavailable, match="Timeout"):
            await metrics.measure(ONE, at=NOON)


async def test_a_server_that_is_not_there_is_said_to_be_away() -> None:
    async with connected(f"http://127.0.0.1:{free_port()}") as metrics:
        with pytest.raises(MetricsUnavailable, match="does not answer"):
            await metrics.measure(ONE, at=NOON)


async def test_values_that_are_no_numbers_are_no_values() -> None:
    body = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1772625600,"%s"]}]}}'
    for told in (b"NaN", b"+Inf", b"many"):
        async with answering(ok(body % told)) as url, connected(url) as metrics:
            assert await metrics.measure(ONE, at=NOON) == []


async def test_a_token_file_that_is_gone_is_named(tmp_path: Path) -> None:
    async with connected("http://127.0.0.1:1", token_file=tmp_path / "token") as metrics:
        with pytest.raises(MetricsUnavailable, match="token_file"):
            await metrics.measure(ONE, at=NOON)
