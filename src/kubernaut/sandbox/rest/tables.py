"""Tables as kubectl prints them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.kinds import Kind
from kubernaut.sandbox.rest import columns, workload_columns
from kubernaut.sandbox.rest.requests import Request
from kubernaut.sandbox.shapes import encoded
from kubernaut.sandbox.storage import Stored

_COLUMNS = {**workload_columns.COLUMNS, **columns.COLUMNS}


def is_wanted(request: Request) -> bool:
    """Whether the client asks for a table."""
    return "as=Table" in request.headers.get("accept", "")


def render_table(kind: Kind, items: Sequence[Stored], now: datetime, *, of: str = "") -> JsonObject:
    """The objects as a Table with the columns of their kind.

    `of` is the client's `includeObject`: with `Object` each row carries the whole of it, by which kubectl sorts.
    """
    names, cells = _COLUMNS.get(kind.key, columns.OTHERS)
    has_name = kind.key != "events"
    rows: list[Json] = []
    for stored in items:
        name: list[Json] = [columns.name_of(kind.key, stored.view)] if has_name else []
        row: JsonObject = {"cells": [*name, *cells(stored.view, now)]}
        if of != "None":
            row["object"] = stored.raw if of == "Object" else _partial(stored)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": [_column(name) for name in (*(("Name",) if has_name else ()), *names)],
        "rows": rows,
    }


def _partial(stored: Stored) -> JsonObject:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": stored.raw["metadata"],
    }


def _column(name: str) -> JsonObject:
    wide = name.startswith("*")
    return {
        "name": name.lstrip("*"),
        "type": "string",
        "format": "name" if name == "Name" else "",
        "description": "",
        "priority": 1 if wide else 0,
    }


def row_renderer(kind: Kind, now: Callable[[], datetime], *, of: str = "") -> Callable[[Stored], bytes]:
    """Renders each object of a watch as a table of one row."""

    def render(stored: Stored) -> bytes:
        return encoded(render_table(kind, [stored], now(), of=of))

    return render
