"""How two pod templates differ, as paths that people read: `containers[app].args: [] -> ["--x"]`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.investigation.quoting import names_a_secret, quoted

# No template is so deep; one that was made to be must not exhaust the stack.
_DEEPEST = 24
# The merge keys of Kubernetes' own lists, the usual one first: order in a list is then no difference.
_KEYS = ("name", "mountPath", "containerPort", "key", "topologyKey", "ip")
# What controllers, Helm and `kubectl rollout restart` write into a template without changing what runs.
_STAMP = re.compile(
    r"metadata\.(labels\[(pod-template-hash|controller-revision-hash|helm\.sh/chart|app\.kubernetes\.io/version)\]"
    r"|annotations\[([^\]]*(restartedAt|restarted-at|checksum|config-hash|rollme|deployed-at)[^\]]*"
    r"|kubernaut\.ai/[^\]]*)\]"
    r"|creationTimestamp)"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs. None stands for absent."""

    path: str
    old: Json
    new: Json

    def __str__(self) -> str:
        """`containers[app].image: "shop:1" -> "shop:2"`."""
        if self == UNSEEN:
            return self.path
        if self._is_secret():
            # That a credential changed is a cause; what it was and is must not stand in a diagnosis.
            return f"{self.path}: *** -> *** (changed)"
        return f"{self.path}: {_shown(self.old, self.new)} -> {_shown(self.new, self.old)}"

    @property
    def is_stamp(self) -> bool:
        """Whether it only marks a restart or a release and changes nothing that runs."""
        return _STAMP.match(self.path) is not None

    def _is_secret(self) -> bool:
        match = re.search(r"\.env\[([^\]]*)\](\.value)?$", self.path)
        return match is not None and names_a_secret(match.group(1))

    def touches(self, *parts: str) -> bool:
        """Whether it concerns one of these fields (`image`, `args`): on its path, or inside what came or went."""
        steps = set(re.split(r"[.\[\]]+", self.path))
        return any(part in steps for part in parts) or _holds(self.old, parts, 0) or _holds(self.new, parts, 0)

    def is_in(self, container: str) -> bool:
        """Whether it lies in that container."""
        return re.match(rf"(init)?[cC]ontainers\[{re.escape(container)}\]", self.path) is not None


# Two revisions always differ; of one that was not read, nobody can say in what.
UNSEEN = Difference("what the revision before had otherwise, which is not shown", "", "")


def differences(old: Tree, new: Tree) -> tuple[Difference, ...]:
    """What the second template has otherwise than the first: its spec first, then its metadata."""
    found = [
        *_compare("", old.tree("spec").raw, new.tree("spec").raw, 0),  # type: ignore[arg-type]  # a Tree of a dict
        *_compare("metadata", _worn(old), _worn(new), 0),
    ]
    return tuple(found)


def _worn(template: Tree) -> JsonObject:
    metadata = template.tree("metadata")
    return {"labels": dict(metadata.mapping("labels")), "annotations": dict(metadata.mapping("annotations"))}


def _compare(path: str, old: Json, new: Json, depth: int) -> Iterator[Difference]:
    if old == new:
        return
    if depth < _DEEPEST:
        left, right = _as_map(old, new), _as_map(new, old)
        if left is not None and right is not None:
            keyed = isinstance(old, list) or isinstance(new, list) or path.startswith("metadata.")
            for key in [*left, *(key for key in right if key not in left)]:
                step = f"{path}[{key}]" if keyed else (f"{path}.{key}" if path else key)
                yield from _compare(step, left.get(key), right.get(key), depth + 1)
            return
    yield Difference(path, old, new)


def _as_map(value: Json, other: Json) -> JsonObject | None:
    """A map, or a list whose entries have names, as a map; an absent one is empty beside a present one."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return _by_name(value) if value or isinstance(other, list) else None
    if value is None and isinstance(other, list):
        return {} if other and _by_name(other) is not None else None
    return None


def _by_name(items: list[Json]) -> JsonObject | None:
    for key in _KEYS:
        names = [item.get(key) for item in items if isinstance(item, dict)]
        usable = [str(name) for name in names if isinstance(name, str | int) and not isinstance(name, bool)]
        # Of two env entries with one name the later wins: they cannot be told apart by it.
        if len(usable) == len(items) == len(set(usable)):
            return dict(zip(usable, items, strict=True))
    return None


def _holds(value: Json, keys: tuple[str, ...], depth: int) -> bool:
    """Whether one of the keys stands anywhere inside."""
    if depth > _DEEPEST:
        return False
    if isinstance(value, list):
        return any(_holds(item, keys, depth + 1) for item in value)
    if isinstance(value, dict):
        return any(key in value for key in keys) or any(_holds(item, keys, depth + 1) for item in value.values())
    return False


def _shown(value: Json, other: Json) -> str:
    if value is None:
        return "[]" if isinstance(other, list) else "(none)"
    return quoted(json.dumps(_veiled(value, 0), ensure_ascii=False), 120)


def _veiled(value: Json, depth: int) -> Json:
    """The value with the contents of variables that look like credentials left out."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, list):
        return [_veiled(item, depth + 1) for item in value]
    if isinstance(value, dict):
        name = value.get("name")
        hide = isinstance(name, str) and names_a_secret(name) and "value" in value
        return {key: "***" if hide and key == "value" else _veiled(item, depth + 1) for key, item in value.items()}
    return value
