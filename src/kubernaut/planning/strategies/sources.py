"""Where strategies come from: a folder, a ConfigMap, or custom resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import yaml

from kubernaut.domain.errors import InputError
from kubernaut.domain.objects import ObjectRef
from kubernaut.planning.strategies.document import API_VERSION, KIND
from kubernaut.planning.strategies.reading import StrategyText
from kubernaut.ports import ClusterReader, Resource
from kubernaut.ports.files import TextFolder

# Belongs to no namespace: whoever may write one may steer what is done anywhere.
STRATEGY = Resource(API_VERSION, KIND, "remediationstrategies", namespaced=False)
_AGAIN = timedelta(seconds=10)
_MOST = 200


@dataclass(frozen=True, slots=True)
class FolderSource:
    """The YAML files of a folder."""

    folder: TextFolder
    every: timedelta = timedelta()

    async def read(self) -> Sequence[StrategyText]:
        """One text a file."""
        return [StrategyText(name, text) for name, text in (await self.folder.read()).items()]


@dataclass(frozen=True, slots=True)
class ConfigMapSource:
    """The entries of a ConfigMap."""

    reader: ClusterReader
    ref: ObjectRef
    every: timedelta = _AGAIN

    async def read(self) -> Sequence[StrategyText]:
        """One text an entry."""
        found = await self.reader.get(self.ref)
        if found is None:
            raise InputError(f"{self.ref} does not exist")
        return [StrategyText(f"{self.ref}[{key}]", text) for key, text in sorted(found.mapping("data").items())]


@dataclass(frozen=True, slots=True)
class ResourceSource:
    """The custom resources of the cluster, as `kubernaut strategies crd` declares them."""

    reader: ClusterReader
    every: timedelta = _AGAIN

    async def read(self) -> Sequence[StrategyText]:
        """One text a resource, in the order of their names."""
        listing = await self.reader.list(STRATEGY, limit=_MOST)
        if not listing.complete:
            raise InputError(f"more than {_MOST} objects of kind {KIND}")
        return [
            StrategyText(
                f"{KIND.lower()}/{item.name}",
                yaml.safe_dump(
                    {
                        "apiVersion": API_VERSION,
                        "kind": KIND,
                        "metadata": {"name": item.name},
                        "spec": item.at("spec"),
                    },
                    sort_keys=False,
                ),
            )
            for item in sorted(listing.items, key=lambda item: item.name)
        ]
