"""What a check is, what came of it, and how sure all of them together make us."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from kubernaut.domain.objects import JsonObject
from kubernaut.domain.shares import wilson_interval
from kubernaut.entrypoints.readiness.ground import Ground


class Layer(StrEnum):
    """How much of the product a check drives."""

    UNIT = "unit"
    INTEGRATION = "integration"
    END_TO_END = "end to end"


WEIGHTS: Mapping[Layer, int] = MappingProxyType({Layer.UNIT: 35, Layer.INTEGRATION: 40, Layer.END_TO_END: 25})


class Verdict(StrEnum):
    """All but `pass` count as failed."""

    PASS = "pass"  # noqa: S105  # no password
    SHORT = "short"
    NOT_BUILT = "not built"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure in words, whether it reaches the goal, and the raw numbers; `note` says what it does not prove."""

    figure: str
    reached: bool
    value: float | None
    n: int
    evidence: JsonObject
    note: str = ""


Measure = Callable[[Ground], Awaitable[Measured]]


@dataclass(frozen=True, slots=True)
class Check:
    """`metric` is the plan's key that it gives, where it gives one; no `measure` means: not built yet."""

    id: str
    promise: str
    goal: str
    layer: Layer
    measure: Measure | None
    metric: str = ""
    quick: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a check; `evidence` is the file with the raw numbers, `command` reproduces the figure."""

    check: Check
    verdict: Verdict
    figure: str
    measured: Measured | None
    seconds: float
    command: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Confidence:
    """The weighted pass rate, and its lower bound: few checks prove little."""

    value: float
    low: float
    layers: tuple[tuple[Layer, int, int], ...]


def confidence(outcomes: Sequence[Outcome]) -> Confidence:
    """Each layer's pass rate times its weight; below, the 95 % Wilson bound of each rate in its place."""
    layers = []
    for layer in Layer:
        own = [outcome for outcome in outcomes if outcome.check.layer is layer]
        layers.append((layer, sum(outcome.verdict is Verdict.PASS for outcome in own), len(own)))
    value = sum(WEIGHTS[layer] * passed / total for layer, passed, total in layers if total)
    low = sum(WEIGHTS[layer] * wilson_interval(passed, total)[0] for layer, passed, total in layers)
    return Confidence(value, low, tuple(layers))
