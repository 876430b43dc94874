"""Which pods a selector means."""

from __future__ import annotations

import re

from kubernaut.domain.errors import InputError
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.ports import ClusterReader
from kubernaut.resources import POD

_PREFIX = r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_PAIR = re.compile(f"({_PREFIX}{_NAME})=((?:{_NAME})?)")


def parse_selector(text: str) -> dict[str, str]:
    """The labels of `k=v,k=v`; raises `InputError` where a key or a value is no valid label."""
    labels: dict[str, str] = {}
    for part in text.split(","):
        match = _PAIR.fullmatch(part.strip())
        if match is None or match[1] in labels:
            raise InputError(f"selector: {part.strip()[:100]!r} is no label=value, or comes twice")
        labels[match[1]] = match[2]
    return labels


def selects(selector: Tree, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector fits the labels; an empty one fits all."""
    wanted = selector.mapping("matchLabels")
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression_fits(expression, labels) for expression in selector.trees("matchExpressions")
    )


def _expression_fits(expression: Tree, labels: dict[str, str]) -> bool:
    key, values = expression.text("key"), expression.texts("values")
    match expression.text("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


async def pods_selected(reader: ClusterReader, namespace: str, labels: dict[str, str]) -> list[KubeObject]:
    """The pods of the namespace with all those labels."""
    text = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return list((await reader.list(POD, namespace, labels=text)).items)
