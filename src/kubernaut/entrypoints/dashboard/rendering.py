"""From views to HTML. Everything is escaped by the template engine; nothing is ever marked as safe."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from kubernaut.entrypoints.dashboard.palette import stylesheet_head
from kubernaut.entrypoints.phrases import call_in_words, score_in_words
from kubernaut.entrypoints.status import ending_status, phase_status, status_of
from kubernaut.entrypoints.terminal.escaping import quoted, visible
from kubernaut.entrypoints.terminal.incidents import cost_in_words
from kubernaut.entrypoints.units import age, counted, duration, offset

_PACKAGE = "kubernaut.entrypoints.dashboard"
_ASSETS = {"style.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "age": age,
        "call": call_in_words,
        "clock": clock_time,
        "cost": cost_in_words,
        "duration": duration,
        "offset": offset,
        "quoted": quoted,
        "score": score_in_words,
        "visible": visible,
    }
    environment.globals |= {
        "asset": asset_address,
        "counted": counted,
        "ending_status": ending_status,
        "phase_status": phase_status,
        "status_of": status_of,
    }
    return environment


def render(template: str, **values: object) -> str:
    """The page."""
    return _environment().get_template(template).render(values)


def clock_time(at: datetime) -> str:
    """`2026-03-04 14:03:07Z`; on a page the date is never left to be guessed."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


@cache
def asset(name: str) -> tuple[bytes, str] | None:
    """The file and its type; None where there is no such file."""
    if name not in _ASSETS:
        return None
    content = files(_PACKAGE).joinpath("assets", name).read_bytes()
    if name == "style.css":
        content = stylesheet_head().encode() + content
    return content, _ASSETS[name]


@cache
def asset_address(name: str) -> str:
    """Its address with a part of its hash, so that browsers may keep it for ever."""
    found = asset(name)
    digest = hashlib.sha256(found[0]).hexdigest()[:12] if found else ""
    return f"/assets/{name}?{digest}"
