"""Label selectors as objects carry them (`matchLabels`, `matchExpressions`), and the requirements they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubernaut.domain.objects import Tree


@dataclass(frozen=True, slots=True)
class Requirement:
    """One claim about one label."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy it; a missing key satisfies the negative operators, an unknown operator never."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in self.values
            case "NotIn":
                # As apimachinery's labels.Requirement: a missing key satisfies NotIn.
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt" as operator:
                return _compares(value, self.values) * (1 if operator == "Gt" else -1) > 0
            case _:
                return False


Selector = tuple[Requirement, ...]


def _compares(value: str | None, bounds: frozenset[str]) -> int:
    left, right = _whole(value), _whole(next(iter(bounds), None))
    return 0 if left is None or right is None else (left > right) - (left < right)


def _whole(text: str | None) -> int | None:
    digits = (text or "").removeprefix("-")
    # int64, as in node affinity; Python would also take digits of other scripts and numbers without end.
    return int(text or "") if digits.isascii() and digits.isdigit() and len(digits) < 20 else None  # noqa: PLR2004


def selector_of(tree: Tree) -> Selector:
    """The requirements of a `LabelSelector`; an empty one has none and so selects everything."""
    return (*equals(tree.mapping("matchLabels")), *map(expression, tree.trees("matchExpressions")))


def expression(entry: Tree) -> Requirement:
    """One entry of `matchExpressions`, of labels or of a node affinity."""
    return Requirement(entry.text("key"), entry.text("operator"), frozenset(entry.texts("values")))


def equals(labels: Mapping[str, str]) -> Selector:
    """Requires each of the labels."""
    return tuple(Requirement(key, "In", frozenset({value})) for key, value in labels.items())


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether the labels satisfy all requirements."""
    return all(requirement.holds(labels) for requirement in selector)
