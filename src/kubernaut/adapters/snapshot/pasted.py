"""Objects that were pasted: with words after them, or cut off in the middle. What is whole of them is taken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from kubernaut.adapters.snapshot.objects import json_documents, yaml_documents
from kubernaut.domain.errors import SnapshotError
from kubernaut.domain.objects import Json

_TOP: Final = re.compile(r"[A-Za-z][\w.-]*:|- |---|#|\s|$")
_ITEM: Final = re.compile(r"^(?: {0,4})- apiVersion:", re.MULTILINE)
_JSON_ITEM: Final = re.compile(r'\{\s*"apiVersion":')
_MOST_ITEMS: Final = 5000


def pasted_objects(name: str, lines: Sequence[str], *, is_json: bool) -> tuple[list[Json], bool]:
    """The documents, and whether nothing was lost of them."""
    if is_json:
        text = "\n".join(lines)
        end = text.rfind("}") + 1
        return _read(name, text[:end] if end else text, is_json=True)
    kept = [*_of_yaml(lines)]
    return _read(name, "\n".join(kept), is_json=False)


def _of_yaml(lines: Sequence[str]) -> Iterator[str]:
    """The lines up to the first that cannot stand in the output of kubectl: what somebody wrote below it."""
    for line in lines:
        if not _TOP.match(line):
            return
        yield line


def _read(name: str, text: str, *, is_json: bool) -> tuple[list[Json], bool]:
    form = json_documents if is_json else yaml_documents
    try:
        return form(name, text.encode(errors="replace")), True
    except SnapshotError:
        found = [*(_json_items(text) if is_json else _yaml_items(name, text))]
        if not found:
            raise
        return found, False


def _yaml_items(name: str, text: str) -> Iterator[Json]:
    starts = [match.start() for match in _ITEM.finditer(text)][:_MOST_ITEMS]
    for start, end in pairwise([*starts, len(text)]):
        try:
            documents = yaml_documents(name, text[start:end].encode(errors="replace"))
        except SnapshotError:
            continue
        for document in documents:
            yield from document if isinstance(document, list) else [document]


def _json_items(text: str) -> Iterator[Json]:
    decoder, position = json.JSONDecoder(), 0
    for _ in range(_MOST_ITEMS):
        match = _JSON_ITEM.search(text, position)
        if match is None:
            return
        try:
            found, position = decoder.raw_decode(text, match.start())
            yield found
        except (ValueError, RecursionError):
            # The list that holds the others, or the one that was cut off.
            position = match.start() + 1
