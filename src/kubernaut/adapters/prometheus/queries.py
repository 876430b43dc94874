"""Queries to a Prometheus-compatible server over its HTTP API (v1).

An answer is bounded in size and checked before it is used; a value that is no number (NaN, Inf) is no value.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx2
import msgspec

from kubernaut.domain.errors import MetricsUnavailable
from kubernaut.domain.measures import Asked, Series
from kubernaut.settings import PrometheusSettings

_LARGEST = 8 * 2**20
# A chart's worth of points, whatever the reach.
_STEPS = 60
_OK = 200


class _Result(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Found(msgspec.Struct):
    resultType: Literal["vector", "matrix", "scalar", "string"]  # noqa: N815  # as the API writes it
    result: list[_Result]


class _Answer(msgspec.Struct):
    status: Literal["success", "error"]
    data: _Found | None = None
    errorType: str = ""  # noqa: N815  # as the API writes it
    error: str = ""


_DECODER = msgspec.json.Decoder(_Answer)


class PrometheusMetrics:
    """`Metrics`. Follows no redirect: the token goes where its owner said."""

    def __init__(self, url: str, *, token_file: Path | None = None, timeout: timedelta = timedelta(seconds=5)) -> None:
        self._url = url.rstrip("/")
        self._token_file = token_file
        self._client = httpx2.AsyncClient(timeout=timeout.total_seconds(), follow_redirects=False)

    async def measure(self, asked: Asked, *, at: datetime) -> list[Series]:
        """The series of the answer. Raises `MetricsUnavailable`."""
        if asked.reach:
            # Prometheus refuses more than 11,000 points a series, and a judgement of a trend needs a few dozen.
            step = max(asked.reach.total_seconds() / _STEPS, 1.0)
            span = {"start": (at - asked.reach).timestamp(), "end": at.timestamp(), "step": step}
            answer = await self._ask("query_range", {"query": asked.query, **span})
        else:
            answer = await self._ask("query", {"query": asked.query, "time": at.timestamp()})
        if answer.data is None:
            raise MetricsUnavailable(f"Prometheus refused the query: {answer.errorType} {answer.error}"[:300])
        return [series for result in answer.data.result if (series := _series(result)).points]

    async def _ask(self, path: str, form: dict[str, str | float]) -> _Answer:
        body = bytearray()
        try:
            request = self._client.stream("POST", f"{self._url}/api/v1/{path}", data=form, headers=self._headers())
            async with request as response:
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise MetricsUnavailable(f"Prometheus answered with more than {_LARGEST // 2**20} MiB")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise MetricsUnavailable(f"Prometheus does not answer: {type(error).__name__}") from error
        try:
            return _DECODER.decode(bytes(body))
        except msgspec.DecodeError as error:
            told = "" if response.status_code == _OK else f" (HTTP {response.status_code})"
            raise MetricsUnavailable(f"what answered is no Prometheus{told}") from error

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        try:
            return {"Authorization": f"Bearer {self._token_file.read_text(encoding='utf-8').strip()}"}
        except (OSError, UnicodeDecodeError) as error:
            raise MetricsUnavailable(f"prometheus.token_file: {self._token_file} cannot be read") from error

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._client.aclose()


def prometheus_of(declared: PrometheusSettings) -> PrometheusMetrics | None:
    """The connection to Prometheus, None where none is set."""
    if declared.url is None:
        return None
    timeout = timedelta(seconds=declared.timeout_s)
    return PrometheusMetrics(declared.url, token_file=declared.token_file, timeout=timeout)


def _series(result: _Result) -> Series:
    told = result.values or ([result.value] if result.value else [])
    points = ((datetime.fromtimestamp(moment, UTC), _number(text)) for moment, text in told)
    return Series(result.metric, tuple((moment, value) for moment, value in points if value is not None))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    # A quotient without traffic is NaN: no sample, which is another thing than 0.
    return value if math.isfinite(value) else None
