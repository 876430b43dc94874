"""The settings in force: what each is, what it is by default, and which ones were changed; secrets are hidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.entrypoints.reference import field_at, meaning_of
from kubernaut.settings import PREFIX, Settings

_HIDDEN = "**********"
_SECRET = frozenset({"token", "secret", "password", "key", "credential", "credentials"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `default` is in words, empty where it is required; `variable` sets it, empty where none can."""

    name: str
    value: str
    default: str
    is_changed: bool
    meaning: str
    variable: str


@dataclass(frozen=True, slots=True)
class Group:
    """The settings of one section."""

    section: str
    meaning: str
    settings: tuple[Setting, ...]

    @property
    def changed(self) -> int:
        """How many of them are not at their default."""
        return sum(setting.is_changed for setting in self.settings)


@dataclass(frozen=True, slots=True)
class InForce:
    """The page. `only_changed` leaves out what stands at its default."""

    groups: tuple[Group, ...]
    source: str
    only_changed: bool
    changed: int
    total: int


def read_settings(tree: JsonObject, *, source: str, only_changed: bool) -> InForce:
    """The page of the tree that is in force, read from the file `source`."""
    every = _grouped(tree)
    shown = [
        Group(one.section, one.meaning, tuple(each for each in one.settings if each.is_changed or not only_changed))
        for one in every
    ]
    return InForce(
        tuple(one for one in shown if one.settings),
        source,
        only_changed,
        changed=sum(one.changed for one in every),
        total=sum(len(one.settings) for one in every),
    )


def _grouped(tree: JsonObject) -> list[Group]:
    sections: dict[str, list[Setting]] = {}
    for path, value in _leaves(tree):
        section, _, name = path.rpartition(".")
        sections.setdefault(section, []).append(_setting(path, name, value))
    return [
        Group(section or "on the top level", _about(section), tuple(settings))
        for section, settings in sorted(sections.items())
    ]


def _setting(path: str, name: str, value: Json) -> Setting:
    defaults = _defaults()
    field = field_at(path)
    in_list = any(part.isdigit() for part in path.split("."))
    # What stands in a list has no default of its own place.
    default = defaults.get(path)
    return Setting(
        name,
        _harmless(name, value),
        _harmless(name, default) if path in defaults else "",
        path not in defaults or value != default,
        meaning_of(field) if field is not None else "",
        "" if in_list or field is None else PREFIX + path.upper().replace(".", "__"),
    )


def _about(section: str) -> str:
    field = field_at(section) if section else None
    return meaning_of(field) if field is not None else ""


@cache
def _defaults() -> dict[str, Json]:
    return dict(_leaves(Settings().model_dump(mode="json")))


def _leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}.{number}")
    elif path:
        yield path, value


def _harmless(name: str, value: Json) -> str:
    if value is None or value == "":
        return "not set"
    if isinstance(value, list | dict) and not value:
        return "none"
    words = set(name.lower().split("_"))
    if words & _SECRET and words.isdisjoint({"file"}):
        return _HIDDEN
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if isinstance(value, bool):
        text = "yes" if value else "no"
    return _address(text) if "://" in text else text


def _address(text: str) -> str:
    """An address without its account; of a web hook no path either, since that is often its secret."""
    try:
        parts = urlsplit(text)
        place = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return _HIDDEN
    if parts.scheme in {"http", "https"}:
        return f"{parts.scheme}://{place}" + ("/…" if parts.path.strip("/") or parts.query else "")
    return f"{parts.scheme}://{place}{parts.path}"
