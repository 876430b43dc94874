"""JSON from a sender to typed values, every fault of it named as `MalformedSignal`.

Bounds are part of the types, where the decoder checks them on the way. Labels beyond them are refused; annotations,
mere hints, are cut.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, islice
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from kubernaut.domain.errors import MalformedSignal

T = TypeVar("T")

LabelName: TypeAlias = Annotated[str, msgspec.Meta(max_length=1024)]
LabelValue: TypeAlias = Annotated[str, msgspec.Meta(max_length=8192)]
Labels: TypeAlias = Annotated[dict[LabelName, LabelValue], msgspec.Meta(min_length=1, max_length=256)]

MOST_ANNOTATIONS = 256
ANNOTATION_CHARS = 16_384
_CUT = " [cut]"


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


def cut_annotations(annotations: dict[str, str]) -> dict[str, str]:
    """The annotations, long values ending in `[cut]`."""
    # The usual case in one pass, without building a second map for each alert of a storm.
    longest = max(map(len, chain(annotations, annotations.values())), default=0)
    if longest <= ANNOTATION_CHARS and len(annotations) <= MOST_ANNOTATIONS:
        return annotations
    return {name[:ANNOTATION_CHARS]: _cut(text) for name, text in islice(annotations.items(), MOST_ANNOTATIONS)}


def _cut(text: str) -> str:
    return text if len(text) <= ANNOTATION_CHARS else text[:ANNOTATION_CHARS] + _CUT


def utc(moment: datetime, *, field: str) -> datetime:
    """The moment in UTC; Go's zero time and times that UTC cannot express are the caller's fault."""
    if moment.tzinfo is None:
        raise MalformedSignal(f"{field}: no time zone", help="send RFC 3339 times such as 2026-03-04T12:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise MalformedSignal(f"{field}: out of range", help="send a time between year 1 and 9999") from error


def is_zero(moment: datetime | None) -> bool:
    """Whether it is absent, which Go writes as 0001-01-01T00:00:00Z."""
    return moment is None or moment.year <= 1


def _with_field(message: str) -> str:
    # "Expected `str`, got `int` - at `$.alerts[0].status`" reads better with the field first.
    what, _, where = message.partition(" - at ")
    field = where.rpartition("$")[2].strip("`.")
    return f"{field or 'body'}: {what}"
