"""Strategies as the command line reads them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import resources
from pathlib import Path

from kubernaut.adapters.text_file import WatchedFile, WatchedFolder
from kubernaut.domain.errors import StrategyError
from kubernaut.entrypoints.trying import Tried, tried
from kubernaut.execution.catalogue import discover
from kubernaut.planning import strategies as package
from kubernaut.planning.strategies.reading import StrategyText, read_strategies
from kubernaut.planning.strategies.strategy import Strategy
from kubernaut.planning.strategies.trying import Came, StrategyCase, mismatch, read_cases, try_case
from kubernaut.strategy_wiring import known_names


def read_places(places: Sequence[Path]) -> tuple[Strategy, ...]:
    """The strategies of files and folders; raises `StrategyError` that names what is wrong and where."""
    texts = [text for place in places for text in _texts(place)]
    return read_strategies(texts, known_names(discover()))


def try_cases(path: Path, place: Path | None) -> tuple[str, list[Tried[StrategyCase, Came]]]:
    """What was tried, and all cases of a file tried on it."""
    cases = read_cases(_text(path), source=str(path))
    chosen = place or (path.parent / cases.strategies if cases.strategies else None)
    if chosen is None:
        raise StrategyError(f"{path}: it names no strategies", help="give --strategies PATH, or `strategies: PATH`")
    found, known = read_places([chosen]), known_names(discover())
    return str(chosen), [tried(case, partial(try_case, found, known=known), mismatch) for case in cases.cases]


def crd_text() -> str:
    """The manifest of the custom resource, with the role that the service needs to read it."""
    return resources.files(package).joinpath("crd.yaml").read_text(encoding="utf-8")


def _texts(place: Path) -> list[StrategyText]:
    if place.is_dir():
        return [StrategyText(name, text) for name, text in WatchedFolder(place).look().items()]
    return [StrategyText(str(place), _text(place))]


def _text(path: Path) -> str:
    found = WatchedFile(path).look("")
    return found.text if found else ""
