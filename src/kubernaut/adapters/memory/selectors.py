"""Label and field selectors, as the API server reads them."""

from __future__ import annotations

import re

from kubernaut.domain.objects import KubeObject

_SET = re.compile(r"(?P<key>\S+)\s+(?P<op>in|notin)\s+\((?P<values>[^)]*)\)")
_COMMA = re.compile(r",(?![^(]*\))")


def matches_labels(item: KubeObject, selector: str) -> bool:
    """Whether the object's labels fit a selector such as `app=web,tier in (a, b),!old`."""
    return all(_fits(item.labels, part.strip()) for part in _COMMA.split(selector) if part.strip())


def matches_fields(item: KubeObject, selector: str) -> bool:
    """Whether the object's fields fit a selector such as `spec.nodeName=worker-1,status.phase!=Running`."""
    return all(_field_fits(item, part.strip()) for part in selector.split(",") if part.strip())


def _fits(labels: dict[str, str], part: str) -> bool:
    match = _SET.fullmatch(part)
    if match is not None:
        values = {value.strip() for value in match["values"].split(",")}
        inside = labels.get(match["key"]) in values
        return inside if match["op"] == "in" else not inside
    if "=" not in part:
        return part[1:].strip() not in labels if part.startswith("!") else part in labels
    key, wanted, negated = _equation(part)
    return (labels.get(key) == wanted) is not negated


def _field_fits(item: KubeObject, part: str) -> bool:
    key, wanted, negated = _equation(part)
    value = item.at(*key.split("."))
    return (("" if value is None else str(value)) == wanted) is not negated


def _equation(part: str) -> tuple[str, str, bool]:
    key, _, value = part.partition("=")
    return key.rstrip("!").strip(), value.removeprefix("=").strip(), key.endswith("!")
