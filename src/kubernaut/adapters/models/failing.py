"""Which failure it was, from the error and what was seen on the wire, and what it means for the next question."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from openai import OpenAIError
from pydantic_ai.exceptions import AgentRunError, ModelHTTPError

from kubernaut.adapters.models.wire import Exchange
from kubernaut.domain.errors import ModelError, ModelReplyInvalid, ModelThrottled, ModelUnavailable
from kubernaut.domain.model_calls import ModelFailure

# What the libraries below a model raise; anything else is a defect of ours and rises.
WIRE_ERRORS = (TimeoutError, AgentRunError, OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError)
_LONGEST_MESSAGE = 200
_UNREADABLE = frozenset({ModelFailure.NOT_JSON, ModelFailure.WRONG_SCHEMA})


def translated(error: Exception, exchange: Exchange, where: str, *, now: datetime) -> ModelError:
    """The error as one of ours, with its class."""
    failure = classify(error, exchange)
    if isinstance(error, ModelHTTPError) and failure is ModelFailure.THROTTLED:
        wait = _retry_after((error.headers or {}).get("retry-after", ""), now)
        return ModelThrottled(f"{where}: throttled (429)", retry_after_s=wait)
    said = f"HTTP {error.status_code}" if isinstance(error, ModelHTTPError) else type(error).__name__
    message = f"{where}: {failure.value} ({said})"[:_LONGEST_MESSAGE]
    return (ModelReplyInvalid if failure in _UNREADABLE else ModelUnavailable)(message, failure=failure)


# The first kind that fits decides.
_KINDS: tuple[tuple[type[BaseException], ModelFailure], ...] = (
    (socket.gaierror, ModelFailure.DNS),
    (ssl.SSLError, ModelFailure.TLS),
    (ConnectionRefusedError, ModelFailure.REFUSED),
    (json.JSONDecodeError, ModelFailure.NOT_JSON),
    (httpx2.TimeoutException, ModelFailure.HANG),
    (TimeoutError, ModelFailure.HANG),
    (httpx2.ConnectError, ModelFailure.REFUSED),
    (httpx2.TransportError, ModelFailure.CUT),
    (ConnectionError, ModelFailure.CUT),
)


def classify(error: Exception, exchange: Exchange) -> ModelFailure:
    """The class of what a library raised."""
    if isinstance(error, ModelHTTPError):
        return _of_status(error.status_code)
    # The innermost cause says most: libraries wrap a refused connection three times.
    for cause in reversed(list(_causes(error))):
        for kind, failure in _KINDS:
            if isinstance(cause, kind):
                # Bytes had come: the server works and is too slow, which is another thing than one that is silent.
                return ModelFailure.SLOW_DRIP if failure is ModelFailure.HANG and exchange.received else failure
    if exchange.status is None:
        return ModelFailure.REJECTED
    return ModelFailure.WRONG_SCHEMA if exchange.is_json else ModelFailure.NOT_JSON


def _of_status(status: int) -> ModelFailure:
    match status:
        case 401 | 403:
            return ModelFailure.AUTH
        case 404:
            return ModelFailure.MODEL_MISSING
        case 429:
            return ModelFailure.THROTTLED
        case _ if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
            return ModelFailure.SERVER_ERROR
        case _:
            return ModelFailure.REJECTED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _retry_after(header: str, now: datetime) -> float | None:
    """Seconds, from either form of the header; None where it is missing or makes no sense."""
    if header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())
