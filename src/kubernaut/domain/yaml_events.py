"""YAML as the events of its parser, within a depth that no text of people has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import yaml

DEEPEST: Final = 100


def shallow_events(text: str) -> Iterator[yaml.Event]:
    """The events. Raises `YAMLError` where lists and maps are nested too deeply, before the parser gets slow over it.

    Its time grows with the square of the depth: a hundred thousand brackets would take it hours.
    """
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {DEEPEST} levels deep")
        yield event
