"""YAML as values together with the places where they stand, so that whatever is wrong can be pointed at."""

from __future__ import annotations

from collections.abc import Sequence

import yaml
from pydantic import ValidationError

from kubernaut.domain.errors import PolicyError
from kubernaut.domain.yaml_events import shallow_events

Place = Sequence[int | str]


def parsed_whole(text: str, source: str) -> tuple[yaml.Node | None, object]:
    """The nodes of a YAML text of one document, which know their lines, and its values."""
    documents = parsed_documents(text, source)
    root, tree = documents[0] if documents else (None, None)
    if len(documents) > 1:
        raise PolicyError(f"{source}: holds {len(documents)} documents, and one is taken")
    if not isinstance(tree, dict | None):
        raise PolicyError(f"{source} line 1: the top level must be a mapping, such as `rules:`")
    return root, tree or {}


def parsed_documents(text: str, source: str) -> list[tuple[yaml.Node, object]]:
    """The documents of a YAML text with their nodes; raises `PolicyError` that names source and line."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in shallow_events(text)):
            # A few lines of them may stand for gigabytes.
            raise PolicyError(f"{source}: aliases (*name) are not taken")
        roots = [root for root in yaml.compose_all(text, yaml.SafeLoader) if root is not None]
        for root in roots:
            _refuse_repeated_keys(root, source)
        trees = [tree for tree in yaml.safe_load_all(text) if tree is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise PolicyError(f"{source} line {line}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyError(f"{source}: {' '.join(str(error).split())[:200]}") from error
    # An empty document has a node of nothing and no value.
    written = [root for root in roots if getattr(root, "tag", "") != "tag:yaml.org,2002:null"]
    return list(zip(written, trees, strict=True))


def _refuse_repeated_keys(node: yaml.Node | None, source: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise PolicyError(f"{source} line {key.start_mark.line + 1}: a key is one word")
            if key.value in seen:
                raise PolicyError(f"{source} line {key.start_mark.line + 1}: {key.value} stands there twice")
            seen.add(key.value)
            _refuse_repeated_keys(value, source)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, source)


def problems_of(error: ValidationError) -> list[tuple[Place, str, str]]:
    """What is wrong, each as its place, its field in words, and what is the matter with it."""
    told: list[tuple[Place, str, str]] = []
    for problem in error.errors(include_url=False, include_input=False)[:5]:
        place = problem["loc"]
        unknown = problem["type"] == "extra_forbidden"
        message = "there is no such field" if unknown else problem["msg"].removeprefix("Value error, ")
        told.append((place, field_name(place), message))
    return told


def explained(error: ValidationError, root: yaml.Node | None, source: str) -> str:
    """What is wrong, each with its line and its field."""
    return "; ".join(
        f"{source} line {mark_of(root, place)[0]}, {field}: {message}" for place, field, message in problems_of(error)
    )


def field_name(place: Place) -> str:
    """`spec.steps[0].action`."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return name or "the whole"


def mark_of(node: yaml.Node | None, place: Place) -> tuple[int, int]:
    """Line and column, from 1, of what stands at the place, or of the nearest thing around it."""
    if node is None:
        return 1, 1
    mark = node.start_mark
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            mark, node = found[0].start_mark, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            mark = node.start_mark
    return mark.line + 1, mark.column + 1


def scalar_at(node: yaml.Node | None, place: Place) -> yaml.ScalarNode | None:
    """The scalar that stands at the place."""
    for part in place:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            return None
    return node if isinstance(node, yaml.ScalarNode) else None
