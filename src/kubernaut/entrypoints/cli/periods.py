"""The settings, the period and the database that a command reads, opened in one way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kubernaut.adapters.store import Store
from kubernaut.entrypoints.records import opened_records
from kubernaut.entrypoints.value.gathering import period_of
from kubernaut.impact.period import Period
from kubernaut.settings import Settings, load_settings

Since = Annotated[str, typer.Option(help="30d, 12h, 4w, or a date.")]
Until = Annotated[str, typer.Option(help="A date; now where it is not given.")]


@dataclass(frozen=True, slots=True)
class Records:
    """What a command reads from."""

    settings: Settings
    period: Period
    store: Store


@contextmanager
def opened_period(config: Path | None, since: str, until: str) -> Iterator[Records]:
    """The records of a period; a period that is none is wrong use."""
    settings = load_settings(config)
    period = period_of(since, until, now=datetime.now(UTC))
    with opened_records(settings) as store:
        yield Records(settings, period, store)
