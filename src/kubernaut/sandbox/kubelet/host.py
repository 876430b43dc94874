"""A node as its containers see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubernaut.sandbox.applications import World
from kubernaut.sandbox.kubelet.configuration import Configurations


@dataclass(slots=True)
class Host:
    """What the containers of one node share; `images` are those already pulled."""

    world: World
    configurations: Configurations
    images: set[str] = field(default_factory=set)
