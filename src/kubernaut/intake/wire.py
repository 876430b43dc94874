"""JSON from a sender to typed values, every fault of it named as `MalformedSignal`.

What is too long is cut and not refused: a sender takes a refusal for final, and with it goes every other alert of the
same request.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from kubernaut.domain.errors import MalformedSignal

T = TypeVar("T")

LabelName: TypeAlias = Annotated[str, msgspec.Meta(max_length=1024)]
LabelValue: TypeAlias = Annotated[str, msgspec.Meta(max_length=8192)]
Labels: TypeAlias = Annotated[dict[str, str], msgspec.Meta(min_length=1)]

MOST = 256
LABEL_CHARS = 8192
ANNOTATION_CHARS = 16_384
_CUT = " [cut]"
_EPOCH = 1970


def decoded(body: bytes, decoder: msgspec.json.Decoder[T], *, expected: str) -> T:
    """The value of the body."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise MalformedSignal(_with_field(str(error)), help=f"send {expected}") from error
    except msgspec.DecodeError as error:
        raise MalformedSignal(f"the body is no JSON: {error}", help=f"send {expected}") from error
    except UnicodeDecodeError as error:
        raise MalformedSignal(f"the body is not UTF-8: {error.reason}", help="encode the JSON as UTF-8") from error
    # msgspec bounds nesting by the interpreter's stack, and a body of brackets is cheap to send.
    except RecursionError as error:
        raise MalformedSignal("the body is nested too deeply", help=f"send {expected}") from error


def cut_labels(labels: dict[str, str]) -> dict[str, str]:
    """The labels within bounds; of too many those with short names stay, which are those that name objects."""
    return _within(labels, LABEL_CHARS)


def cut_annotations(annotations: dict[str, str]) -> dict[str, str]:
    """The annotations within bounds."""
    return _within(annotations, ANNOTATION_CHARS)


def _within(texts: dict[str, str], chars: int) -> dict[str, str]:
    # The usual case in one pass, without building a second map for each alert of a storm.
    longest = max(map(len, chain(texts, texts.values())), default=0)
    if longest <= chars and len(texts) <= MOST:
        return texts
    kept = set(sorted(texts, key=len)[:MOST])
    return {name[:chars]: _cut(text, chars) for name, text in texts.items() if name in kept}


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[:chars] + _CUT


def utc(moment: datetime, *, field: str) -> datetime:
    """The moment in UTC; Go's zero time and times that UTC cannot express are the caller's fault."""
    if moment.tzinfo is None:
        raise MalformedSignal(f"{field}: no time zone", help="send RFC 3339 times such as 2026-03-04T12:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise MalformedSignal(f"{field}: out of range", help="send a time between year 1 and 9999") from error


def begun(moment: datetime | None, *, received_at: datetime, field: str) -> datetime:
    """When it began: at the latest when it was received, since clocks differ, and then where nobody says."""
    return received_at if moment is None or is_zero(moment) else min(utc(moment, field=field), received_at)


def is_zero(moment: datetime | None) -> bool:
    """Whether it is absent, which Go writes as 0001-01-01T00:00:00Z, and others as the beginning of Unix time."""
    return moment is None or moment.year <= _EPOCH


def _with_field(message: str) -> str:
    # "Expected `str`, got `int` - at `$.alerts[0].status`" reads better with the field first.
    what, _, where = message.partition(" - at ")
    field = where.rpartition("$")[2].strip("`.")
    return f"{field or 'body'}: {what}"
