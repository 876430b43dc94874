"""What a role allows."""

from __future__ import annotations

from kubernaut.domain.objects import KubeObject

_POWERS = frozenset({"*", "escalate", "bind", "impersonate"})


def gives(role: KubeObject, verb: str, group: str, resource: str) -> bool:
    """Whether the role itself names that right, and gives neither everything nor power over roles."""
    wanted = (("verbs", verb), ("apiGroups", group), ("resources", resource))
    named = [each for rule in role.trees("rules") for part, _ in wanted for each in rule.texts(part)]
    return not _POWERS & {*named} and any(
        not rule.texts("resourceNames") and all(value in rule.texts(part) for part, value in wanted)
        for rule in role.trees("rules")
    )
