"""JSON from a sender to typed values, every fault of it named as `MalformedSignal`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

import msgspec

from kubernaut.domain.errors import MalformedSignal

T = TypeVar("T")
_CUT = " [cut]"


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """Bounds on what one signal may carry. Labels beyond them are refused; annotations, mere hints, are cut."""

    labels: int = 256
    label_name_chars: int = 1024
    label_value_chars: int = 8192
    annotations: int = 256
    annotation_chars: int = 16_384


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
    except RecursionError as error:
        raise MalformedSignal("the body is nested too deeply", help=f"send {expected}") from error


def checked_labels(labels: dict[str, str], limits: IntakeLimits, *, field: str) -> dict[str, str]:
    """The labels, all within bounds."""
    if len(labels) > limits.labels:
        raise MalformedSignal(
            f"{field}: {len(labels)} labels, at most {limits.labels}", help="drop labels by relabelling"
        )
    for name, value in labels.items():
        if len(name) > limits.label_name_chars or len(value) > limits.label_value_chars:
            raise MalformedSignal(
                f"{field}.{_shown(name)}: a label of {len(name)} and {len(value)} characters, "
                f"at most {limits.label_name_chars} and {limits.label_value_chars}",
                help="shorten it by relabelling",
            )
    return labels


def cut_annotations(annotations: Mapping[str, str], limits: IntakeLimits) -> dict[str, str]:
    """The annotations, long values ending in `[cut]`."""
    bound = limits.annotation_chars
    kept = islice(annotations.items(), limits.annotations)
    return {name[:bound]: value if len(value) <= bound else value[:bound] + _CUT for name, value in kept}


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
    what, separator, where = message.rpartition(" - at `$")
    return f"{where.rstrip('`').lstrip('.')}: {what}" if separator else f"body: {message}"


def _shown(name: str) -> str:
    return name[:80].encode("unicode_escape").decode()
