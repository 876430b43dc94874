"""Output of kubectl that was pasted without its command: tables, descriptions and objects, told by their own look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from kubernaut.adapters.snapshot.commands import Block, Command
from kubernaut.adapters.snapshot.headings import kind_of_headings
from kubernaut.adapters.snapshot.tables import headings_of, is_header

_MARGIN: Final = re.compile(r"[ \t>|]*")
_NAMED: Final = re.compile(r"Name:\s+\S")
# What stands below the name in every description.
_BESIDE: Final = re.compile(r"(?:Namespace|Labels|Annotations|Roles|IsDefaultClass|Type|Status|Priority):")
_OBJECT: Final = re.compile(r"(?:- )?apiVersion: \S+$")
_JSON: Final = re.compile(r'\{\s*$|\{\s*"apiVersion":')
_FENCE: Final = re.compile(r"\s*(?:```|~~~|\{code|\{noformat|</?(?:pre|code|details))")
# Of what follows, only this can stand in the output: an entry, something indented, nothing.
_OF_DESCRIPTION: Final = re.compile(r"\s|$|[A-Z][\w /()-]{0,60}:(?:\s|$)|====|----|[\w.-]+:(?:\s|$)")
_OF_OBJECT: Final = re.compile(r"\s|$|[A-Za-z][\w.-]*:|- |---")
_NEAR: Final = 3


def bare_blocks(lines: Sequence[str]) -> Iterator[Block]:
    """What stands in the lines that kubectl printed; no list in it is taken for whole, nor is a namespace known."""
    position = 0
    while position < len(lines):
        margin = _margin(lines[position])
        line = lines[position][len(margin) :]
        if is_header(line):
            end = _end_of_table(lines, position, margin)
            yield _table(_without(margin, lines[position:end]))
        elif _NAMED.match(line) and _is_described(lines, position, margin):
            end = _end(lines, position, margin, _OF_DESCRIPTION)
            yield Block(Command("describe", (), {}, is_cut=True), _without(margin, lines[position:end]))
        elif _OBJECT.match(line):
            end = _end(lines, position, margin, _OF_OBJECT)
            yield _objects("yaml", _without(margin, lines[position:end]))
        elif _JSON.match(line) and any('"apiVersion"' in one for one in lines[position : position + _NEAR]):
            end = _end_of_json(lines, position, margin)
            yield _objects("json", _without(margin, lines[position:end]))
        else:
            end = position + 1
        position = max(end, position + 1)


def starts_bare(lines: Sequence[str], position: int) -> bool:
    """Whether a description or an object begins at that line, below the table of another command."""
    line = lines[position]
    return (bool(_NAMED.match(line)) and _is_described(lines, position, "")) or bool(_OBJECT.match(line))


def _margin(line: str) -> str:
    match = _MARGIN.match(line)
    return match[0] if match else ""


def _without(margin: str, lines: Sequence[str]) -> list[str]:
    return [line.removeprefix(margin) for line in lines]


def _is_described(lines: Sequence[str], position: int, margin: str) -> bool:
    below = lines[position + 1 : position + 1 + _NEAR]
    return any(_BESIDE.match(line.removeprefix(margin)) for line in below)


def _end_of_table(lines: Sequence[str], position: int, margin: str) -> int:
    """A table ends at a blank line, a fence, or what stands further to the left."""
    end = position + 1
    while end < len(lines) and lines[end].strip() and lines[end].startswith(margin) and not _FENCE.match(lines[end]):
        if is_header(lines[end][len(margin) :]):
            break
        end += 1
    return end


def _end(lines: Sequence[str], position: int, margin: str, form: re.Pattern[str]) -> int:
    end = position + 1
    while end < len(lines) and not _FENCE.match(lines[end]):
        line = lines[end].removeprefix(margin)
        if not form.match(line) or is_header(line) or (line.startswith("Name:") and _is_described(lines, end, margin)):
            break
        end += 1
    return end


def _end_of_json(lines: Sequence[str], position: int, margin: str) -> int:
    """The line that closes what the first one opens, as kubectl indents it."""
    for end in range(position, len(lines)):
        if lines[end].removeprefix(margin).rstrip() == "}" or (end == position and lines[end].rstrip().endswith("}")):
            return end + 1
    return len(lines)


def _table(lines: list[str]) -> Block:
    resource = kind_of_headings(headings_of(lines[0]))
    words: tuple[str, ...] = (resource.plural,) if resource else ()
    return Block(Command("get", words, {}, is_cut=True), lines)


def _objects(form: str, lines: list[str]) -> Block:
    return Block(Command("get", (), {"output": form}, is_cut=True), lines)
