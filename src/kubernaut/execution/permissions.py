"""The exact rights that the enabled actions need, and which of them are missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kubernaut.execution.catalogue import Catalogue, Rule
from kubernaut.ports import ClusterReader, Resource


@dataclass(frozen=True, slots=True)
class Permissions:
    """RBAC rules: what may be read, and apart from it what may be changed."""

    reads: tuple[Rule, ...]
    writes: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class MissingRight:
    """One verb that our account lacks, and the actions that need it."""

    rule: Rule
    actions: tuple[str, ...]


def permissions_of(catalogue: Catalogue) -> Permissions:
    """The rules of all the catalogue's actions, each resource once."""
    return Permissions(
        reads=merged(rule for action in catalogue for rule in action.reads),
        writes=merged(rule for action in catalogue for rule in action.writes),
    )


def merged(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """One rule a resource, sorted, with the verbs of all."""
    verbs: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for rule in rules:
        verbs[rule.api_group, rule.resource].update(rule.verbs)
    return tuple(Rule(group, resource, tuple(sorted(found))) for (group, resource), found in sorted(verbs.items()))


def needed_rights(catalogue: Catalogue) -> dict[Rule, list[str]]:
    """The rights of all the catalogue's actions, one verb each, with the actions that need them."""
    needed: defaultdict[Rule, list[str]] = defaultdict(list)
    for action in catalogue:
        for rule in merged((*action.reads, *action.writes)):
            for verb in rule.verbs:
                needed[Rule(rule.api_group, rule.resource, (verb,))].append(action.id)
    return needed


async def lacking(reader: ClusterReader, needed: Mapping[Rule, Sequence[str]], namespace: str) -> list[MissingRight]:
    """Those of the rights that our account does not have in the namespace (everywhere where it is empty)."""
    missing = []
    for rule, actions in sorted(needed.items()):
        plural, _, part = rule.resource.partition("/")
        # A review knows groups and not versions; the version only makes the resource complete.
        version = f"{rule.api_group}/v1" if rule.api_group else "v1"
        if not await reader.may(rule.verbs[0], Resource(version, "", plural), namespace, subresource=part):
            missing.append(MissingRight(rule, tuple(actions)))
    return missing


async def missing_rights(reader: ClusterReader, catalogue: Catalogue, namespace: str = "") -> tuple[MissingRight, ...]:
    """What the catalogue's actions need and our account may not do in the namespace (everywhere where it is empty)."""
    return tuple(await lacking(reader, needed_rights(catalogue), namespace))
