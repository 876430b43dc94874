"""An object as far as a transcript tells it."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.adapters.snapshot.sightings import Fullness, put
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


def name_unnamed(known: Known, name: str) -> None:
    """Gives a pod's only container of which no name was shown the one that another output tells."""
    unnamed = [
        (wanted, seen)
        for wanted, seen in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses"))
        if [entry.text("name") for entry in known.tree.trees("spec", wanted)] == [""]
    ]
    if len(unnamed) != 1:
        return
    wanted, seen = unnamed[0]
    put(known.raw, ("spec", wanted, 0, "name"), name)
    if [entry.text("name") for entry in known.tree.trees("status", seen)] == [""]:
        put(known.raw, ("status", seen, 0, "name"), name)
