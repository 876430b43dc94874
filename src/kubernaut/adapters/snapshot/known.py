"""An object as far as a transcript tells it."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.adapters.snapshot.sightings import Fullness
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.ports import Resource

Key = tuple[str, str, str]


@dataclass
class Known:
    """`is_vague` when too little is told of it to judge it, so that it is not handed out."""

    resource: Resource
    namespace: str
    name: str
    raw: JsonObject
    fullness: Fullness
    is_vague: bool = False

    @property
    def tree(self) -> KubeObject:
        """The object, to read."""
        return KubeObject(self.raw)
