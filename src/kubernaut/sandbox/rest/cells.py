"""What stands in the cells of tables: ages, lists of images, selectors, ports."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from kubernaut.domain.objects import Json, KubeObject, Tree

Cells = Callable[[KubeObject, datetime], list[Json]]
NONE = "<none>"
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_SECOND, _MINUTE, _HOUR, _DAY, _YEAR = (1, "s"), (60, "m"), (3600, "h"), (86_400, "d"), (365 * 86_400, "y")
# Up to how many seconds a duration is told in which unit, and in which smaller one beside it.
_FORMS = (
    (120, _SECOND, None),
    (600, _MINUTE, _SECOND),
    (3 * 3600, _MINUTE, None),
    (8 * 3600, _HOUR, _MINUTE),
    (48 * 3600, _HOUR, None),
    (192 * 3600, _DAY, _HOUR),
    (2 * 365 * 86_400, _DAY, None),
    (8 * 365 * 86_400, _YEAR, _DAY),
    (math.inf, _YEAR, None),
)
_OPERATORS = {"In": "in", "NotIn": "notin"}


def human_duration(seconds: int) -> str:
    """As k8s.io/apimachinery's duration.HumanDuration writes it: `45s`, `3m12s`, `12m`, `5h4m`, `2d3h`, `400d`."""
    (size, letter), smaller = next((unit, rest) for bound, unit, rest in _FORMS if seconds < bound)
    whole = f"{seconds // size}{letter}"
    if smaller is None or seconds % size < smaller[0]:
        return whole
    return f"{whole}{seconds % size // smaller[0]}{smaller[1]}"


def age(since: datetime | None, now: datetime) -> str:
    """How long ago that was."""
    return "<unknown>" if since is None else human_duration(max(0, int((now - since).total_seconds())))


def or_none(text: str) -> str:
    """The text, or the word that stands for nothing."""
    return text or NONE


def joined(parts: Iterable[str]) -> str:
    """The parts with commas between them, or the word that stands for nothing."""
    return or_none(",".join(parts))


def labels(pairs: Mapping[str, Json]) -> str:
    """`app=web,tier=front`."""
    return joined(f"{key}={value}" for key, value in sorted(pairs.items()))


def selector(tree: Tree) -> str:
    """A label selector as kubectl writes it."""
    found = [f"{key}={value}" for key, value in sorted(tree.mapping("matchLabels").items())]
    for claim in tree.trees("matchExpressions"):
        key, operator = claim.text("key"), claim.text("operator")
        if operator in _OPERATORS:
            found.append(f"{key} {_OPERATORS[operator]} ({','.join(claim.texts('values'))})")
        else:
            found.append(key if operator == "Exists" else f"!{key}")
    return joined(found)


def containers(template: Tree) -> list[Json]:
    """The names and the images of a template's containers."""
    found = template.trees("spec", "containers")
    return [joined(one.text("name") for one in found), joined(one.text("image") for one in found)]


def modes(item: Tree, *path: str) -> str:
    """Access modes in short."""
    return ",".join(_MODES.get(mode, mode) for mode in item.texts(*path))


def word(value: Json, otherwise: str = NONE) -> str:
    """A number or a word as it stands, booleans in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    return otherwise if value is None or value == "" else str(value)
