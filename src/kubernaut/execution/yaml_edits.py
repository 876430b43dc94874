"""One value of a YAML text set, added or taken out where it stands; nothing else of the text is touched."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, cast

import yaml

from kubernaut.domain.errors import InputError
from kubernaut.domain.objects import Json
from kubernaut.domain.patches import Absent

_PLAIN: Final = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")


class ManifestError(InputError):
    """A text that the change cannot be carried over to."""

    code = "manifest"


class Named(NamedTuple):
    """The item of a list with that name."""

    name: str


Token: TypeAlias = str | int | Named
Path: TypeAlias = tuple[Token, ...]


def spelled(path: Path) -> str:
    """The path as people write it."""
    return "".join(f".{token}" if isinstance(token, str) else f"[{token_name(token)}]" for token in path).lstrip(".")


def token_name(token: int | Named) -> str:
    """The name of the item, or its number."""
    return token.name if isinstance(token, Named) else str(token)


@dataclass(frozen=True, slots=True)
class TextEdit:
    """One edit of a text at the places of its nodes."""

    text: str
    root: yaml.Node

    def made(self, path: Path, after: Json | Absent) -> str:
        """The text with that value at the path; raises `ManifestError` where it would take more than that."""
        node: yaml.Node = self.root
        for depth, token in enumerate(path):
            child = _child(node, token)
            if child is None:
                return self.text if isinstance(after, Absent) else self._added(node, path[depth:], after)
            if depth == len(path) - 1 and isinstance(after, Absent):
                return self._removed(node, token)
            node = child
        return self._replaced(node, after)

    def _replaced(self, node: yaml.Node, after: Json | Absent) -> str:
        if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
            raise ManifestError("a block of text would have to be written anew")
        start, end = node.start_mark.index, _end(node)
        is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        if is_block and isinstance(after, dict | list) and after:
            words = _block(after, node.start_mark.column)
        else:
            quote = node.style if isinstance(node, yaml.ScalarNode) else None
            words = _flow(after, quote=quote)
        return self.text[:start] + words + self.text[end:]

    def _added(self, parent: yaml.Node, path: Path, after: Json | Absent) -> str:
        """What is not there yet, with the mappings around it that are not there either."""
        value: Json = None if isinstance(after, Absent) else after
        for token in reversed(path[1:]):
            if not isinstance(token, str):
                raise ManifestError(f"has no list item at {spelled(path)}")
            value = {token: value}
        first = path[0]
        if isinstance(parent, yaml.MappingNode) and isinstance(first, str):
            return self._added_key(parent, first, value)
        if isinstance(parent, yaml.SequenceNode) and not parent.flow_style and len(path) == 1 and parent.value:
            indent = parent.start_mark.column
            return self._line_after(parent, f"{' ' * indent}- {_block(value, indent + 2)}")
        raise ManifestError(f"has nothing at {spelled(path)}")

    def _added_key(self, parent: yaml.MappingNode, key: str, value: Json) -> str:
        if parent.flow_style:
            close = parent.end_mark.index - 1
            comma = ", " if parent.value else ""
            return f"{self.text[:close].rstrip()}{comma}{_flow(key)}: {_flow(value)}{self.text[close:]}"
        if not parent.value:
            raise ManifestError(f"has nothing to put {key} into")
        indent = parent.start_mark.column
        if isinstance(value, dict | list) and value:
            words = f"{_flow(key)}:\n{' ' * (indent + 2)}{_block(value, indent + 2)}"
        else:
            words = f"{_flow(key)}: {_flow(value)}"
        return self._line_after(parent, " " * indent + words)

    def _line_after(self, node: yaml.Node, line: str) -> str:
        end = self._end_of_line(_end(node))
        return f"{self.text[:end]}\n{line}{self.text[end:]}"

    def _removed(self, parent: yaml.Node, token: Token) -> str:
        """Whole lines, from the key or the dash to the end of the value."""
        if len(parent.value) == 1 or (isinstance(parent, yaml.CollectionNode) and parent.flow_style):
            left = [pair for pair in parent.value if pair is not _entry(parent, token)]
            if left:
                raise ManifestError("a list or mapping on one line would have to be written anew")
            empty = "{}" if isinstance(parent, yaml.MappingNode) else "[]"
            return self.text[: parent.start_mark.index] + empty + self.text[_end(parent) :]
        entry = _entry(parent, token)
        begin, last = (entry[0], entry[1]) if isinstance(entry, tuple) else (entry, entry)
        start = self.text.rfind("\n", 0, begin.start_mark.index) + 1
        return self.text[:start] + self.text[self._end_of_line(_end(last)) + 1 :]

    def _end_of_line(self, index: int) -> int:
        end = self.text.find("\n", index)
        return len(self.text) if end < 0 else end


def _entry(parent: yaml.Node, token: Token) -> tuple[yaml.Node, yaml.Node] | yaml.Node:
    if isinstance(parent, yaml.MappingNode):
        return cast("tuple[yaml.Node, yaml.Node]", next(pair for pair in parent.value if pair[0].value == token))
    child = _child(parent, token)
    if child is None:
        raise ManifestError("has no such list item")
    return child


def _child(node: yaml.Node, token: Token) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode) and isinstance(token, str):
        return next((value for key, value in node.value if key.value == token), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(token, Named):
        return next((item for item in node.value if _named(item) == token.name), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(token, int) and token < len(node.value):
        return cast("yaml.Node", node.value[token])
    return None


def _named(item: yaml.Node) -> str:
    found = _child(item, "name") if isinstance(item, yaml.MappingNode) else None
    return found.value if isinstance(found, yaml.ScalarNode) else ""


def _end(node: yaml.Node) -> int:
    """Where the value ends: the parser lets a block end where the next thing begins, comments and all."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _flow(value: Json | Absent, *, quote: str | None = None) -> str:
    """The value on one line, in the quotes that stood there before."""
    if isinstance(value, str):
        if quote == "'" and "'" not in value and value.isprintable():
            return f"'{value}'"
        if quote is None and _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
            return value
    return json.dumps(None if isinstance(value, Absent) else value, ensure_ascii=False)


def _block(value: Json, indent: int) -> str:
    """The value on lines of its own, of which the first stands already at the indent."""
    if not isinstance(value, dict | list) or not value:
        return _flow(value)
    text = yaml.safe_dump(value, sort_keys=False, default_flow_style=False, allow_unicode=True).rstrip("\n")
    return text.replace("\n", "\n" + " " * indent)
