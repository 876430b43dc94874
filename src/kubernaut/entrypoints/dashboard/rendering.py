"""From views to HTML. Everything is escaped by the template engine; nothing is ever marked as safe."""

from __future__ import annotations

import gzip
import hashlib
import json
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.dashboard.charts import interval_bar
from kubernaut.entrypoints.dashboard.palette import stylesheet_head
from kubernaut.entrypoints.phrases import call_in_words, score_in_words
from kubernaut.entrypoints.status import ending_status, phase_status, status_of
from kubernaut.entrypoints.terminal.escaping import quoted, visible
from kubernaut.entrypoints.terminal.incidents import cost_in_words
from kubernaut.entrypoints.units import age, counted, duration, offset
from kubernaut.ports import Suspension

_PACKAGE = "kubernaut.entrypoints.dashboard"
_LONGEST_BODY = 6000
_SCRIPT = "text/javascript; charset=utf-8"
_ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "htmx-2.0.11.min.js": _SCRIPT,
    "idiomorph-0.8.0.min.js": _SCRIPT,
    "live.js": _SCRIPT,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """What every page shows around its content.

    `theme` is `light`, `dark` or empty for what the system prefers; `asking` counts requests for consent, None where
    the store does not say; `seq` is the newest event that the page may know of.
    """

    path: str = "/"
    theme: str = ""
    cluster: str = ""
    simulated: bool = False
    asking: int | None = None
    suspension: Suspension | None = None
    seq: int = 0


_CODE, _PLAIN = Markup("<code>{}</code>"), Markup("{}")
VISIT: ContextVar[Visit] = ContextVar("visit", default=Visit())  # noqa: B039  # frozen


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "age": age,
        "call": call_in_words,
        "clock": clock_time,
        "coded": coded,
        "day": lambda at: f"{at.astimezone(UTC):%m-%d %H:%M}",
        "percent": lambda share: f"{100 * share:.0f}",
        "cost": cost_in_words,
        "duration": duration,
        "offset": offset,
        "quoted": quoted,
        "score": score_in_words,
        "stored": stored,
        "time": lambda at: f"{at.astimezone(UTC):%H:%M:%S}Z",
        "visible": visible,
    }
    environment.globals |= {
        "asset": asset_address,
        "bar": interval_bar,
        "counted": counted,
        "ending_status": ending_status,
        "phase_status": phase_status,
        "status_of": status_of,
        "statuses": [("open", "open"), *((ending.value, ending_status(ending).word) for ending in Ending)],
    }
    return environment


def render(template: str, **values: object) -> str:
    """The page."""
    return _environment().get_template(template).render({"visit": VISIT.get(), **values})


def clock_time(at: datetime) -> str:
    """`2026-03-04 14:03:07Z`; on a page the date is never left to be guessed."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def coded(text: str) -> Markup:
    """The text with what stands between backticks as code, all of it escaped."""
    words = enumerate(text.split("`"))
    return Markup().join((_CODE if number % 2 else _PLAIN).format(visible(part)) for number, part in words)


def stored(body: JsonObject) -> str:
    """A body as it is kept, a line a fact; what is longer than a page is cut with the number of characters left out."""
    text = json.dumps(body, indent=1, ensure_ascii=False)
    shown = "\n".join(visible(line) for line in text[:_LONGEST_BODY].split("\n"))
    return shown + (f"\n+{len(text) - _LONGEST_BODY} characters: the JSON has all" if len(text) > _LONGEST_BODY else "")


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
def packed_asset(name: str) -> bytes:
    """The same file, compressed."""
    found = asset(name)
    return gzip.compress(found[0], mtime=0) if found else b""


@cache
def asset_address(name: str) -> str:
    """Its address with a part of its hash, so that browsers may keep it for ever."""
    found = asset(name)
    digest = hashlib.sha256(found[0]).hexdigest()[:12] if found else ""
    return f"/assets/{name}?{digest}"
