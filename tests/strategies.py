"""Strategies as tests write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kubernaut.planning.strategies.reading import StrategyText


class WrittenStrategies:
    """A source that holds one text, which a test may write anew."""

    every = timedelta()

    def __init__(self, text: str) -> None:
        self.text = text

    async def read(self) -> Sequence[StrategyText]:
        return [StrategyText("s.yaml", self.text)] if self.text else []


def a_strategy(steps: str, *, name: str = "s", causes: str = "'*'", when: str = "true") -> str:
    """A strategy with these steps, each a flow mapping on a line of its own."""
    listed = "".join(f"    - {line.strip()}\n" for line in steps.strip().splitlines())
    head = "apiVersion: kubernaut.ai/v1\nkind: RemediationStrategy\n"
    return f"{head}metadata: {{name: {name}}}\nspec:\n  causes: [{causes}]\n  when: '{when}'\n  steps:\n{listed}"
