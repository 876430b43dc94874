"""Strategies in force while their texts change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.text_file import WatchedFolder
from kubernaut.domain.errors import ClusterUnavailable, StrategyError
from kubernaut.domain.objects import ObjectRef
from kubernaut.execution.catalogue import discover
from kubernaut.planning.strategies.book import StrategyBook
from kubernaut.planning.strategies.reading import StrategyText
from kubernaut.planning.strategies.sources import ConfigMapSource, FolderSource, ResourceSource
from kubernaut.strategy_wiring import known_names
from tests.strategies import WrittenStrategies, a_strategy
from tests.told import NOON

KNOWN = known_names(discover())
GOOD = a_strategy("{action: restart_workload}")
BAD = a_strategy("{action: restart_workloat}")


async def names(book: StrategyBook) -> list[str]:
    return [each.name for each in await book.current()]


async def test_wrong_strategies_leave_the_former_ones_in_force_and_say_so_until_they_are_right() -> None:
    source = WrittenStrategies(GOOD)
    book = StrategyBook(KNOWN, [source])
    assert await names(book) == ["s"]

    source.text = BAD
    assert await names(book) == ["s"]
    with pytest.raises(StrategyError, match=r"s.yaml:8:8: .*; the 1 before stay in force"):
        await book.check()

    source.text = a_strategy("{action: restart_workload}", name="t")
    assert await names(book) == ["t"]
    await book.check()


async def test_with_wrong_strategies_from_the_start_the_causes_alone_decide() -> None:
    book = StrategyBook(KNOWN, [WrittenStrategies(BAD)])
    assert await names(book) == []
    with pytest.raises(StrategyError, match="none is in force"):
        await book.check()


class Down(WrittenStrategies):
    down = False

    async def read(self) -> Sequence[StrategyText]:
        if self.down:
            raise ClusterUnavailable("no answer")
        return await super().read()


async def test_a_source_that_does_not_answer_leaves_the_former_ones_in_force() -> None:
    source = Down(GOOD)
    book = StrategyBook(KNOWN, [source])
    assert await names(book) == ["s"]
    source.down = True
    assert await names(book) == ["s"]
    with pytest.raises(StrategyError, match="no answer"):
        await book.check()
    source.down = False
    await book.check()


async def test_the_files_of_a_folder_are_read_without_what_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(a_strategy("{action: restart_workload}", name="b"))
    (tmp_path / "a.yaml").write_text(a_strategy("{action: restart_workload}", name="a"))
    (tmp_path / ".hidden.yaml").write_text("[")
    (tmp_path / "..data").mkdir()
    (tmp_path / "README.md").write_text("[")
    book = StrategyBook(KNOWN, [FolderSource(WatchedFolder(tmp_path))])
    assert await names(book) == ["a", "b"]
    (tmp_path / "a.yaml").unlink()
    assert await names(book) == ["b"]


async def test_config_maps_and_custom_resources_are_looked_at_again_after_a_while() -> None:
    place = {"name": "strategies", "namespace": "kubernaut"}
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": place, "data": {"a.yaml": GOOD}}
    custom = {
        "apiVersion": "kubernaut.ai/v1",
        "kind": "RemediationStrategy",
        "metadata": {"name": "custom", "uid": "u-1", "resourceVersion": "7"},
        "spec": {"causes": ["*"], "steps": [{"action": "restart_workload"}]},
    }
    cluster, clock = MemoryCluster([held, custom]), ManualClock(NOON)
    sources = [
        ConfigMapSource(cluster, ObjectRef("v1", "ConfigMap", "kubernaut", "strategies")),
        ResourceSource(cluster),
    ]
    book = StrategyBook(KNOWN, sources, clock)
    assert await names(book) == ["s", "custom"]

    cluster.put({**held, "data": {"a.yaml": a_strategy("{action: restart_workload}", name="later")}})
    assert await names(book) == ["s", "custom"]
    await clock.advance(timedelta(seconds=11))
    assert await names(book) == ["later", "custom"]
