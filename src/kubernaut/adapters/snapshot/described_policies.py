"""`kubectl describe networkpolicy`: whom it is about, which directions it closes, and what it lets through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from kubernaut.adapters.snapshot.outline import Outline
from kubernaut.adapters.snapshot.sightings import labels_of
from kubernaut.domain.objects import Json, JsonObject

_PORT: Final = re.compile(r"To Port: (\d{1,5}|[a-z0-9-]{1,63})/(TCP|UDP|SCTP)")
_SELECTOR: Final = re.compile(r"(PodSelector|NamespaceSelector): (\S+)")
_BLOCK: Final = re.compile(r"CIDR: (\S+)")
_ISOLATED: Final = "Selected pods are isolated for"
_NEXT: Final = re.compile(r"\s*-{5,}\s*")
_FIELDS: Final = {"PodSelector": "podSelector", "NamespaceSelector": "namespaceSelector"}


def network_policy(outline: Outline) -> JsonObject:
    """The spec of the policy, as far as the description tells it."""
    inside = outline.get("Spec").inside
    if not inside.has("PodSelector"):
        return {}
    selector = labels_of(inside.text("PodSelector").partition(" (")[0].replace(", ", ","))
    spec: JsonObject = {"podSelector": {"matchLabels": selector} if selector else {}}
    kinds: list[Json] = [part.strip() for part in inside.text("Policy Types").split(",") if part.strip()]
    if kinds:
        spec["policyTypes"] = kinds
    for key, field, peers in (("ingress", "ingress", "from"), ("egress", "egress", "to")):
        body = inside.get(f"Allowing {key} traffic").body
        if inside.has(f"Allowing {key} traffic"):
            spec[field] = _rules(body, peers)
    return {"spec": spec}


def _rules(body: Sequence[str], peers: str) -> list[Json]:
    """The rules; none where the selected pods are isolated."""
    if any(_ISOLATED in line for line in body):
        return []
    rules: list[Json] = []
    part: list[str] = []
    for line in [*body, "-----"]:
        if not _NEXT.fullmatch(line):
            part.append(line)
        elif part:
            rules.append(_rule("\n".join(part), peers))
            part = []
    return rules


def _rule(text: str, peers: str) -> JsonObject:
    ports: list[Json] = [
        {"port": int(port) if port.isdecimal() else port, "protocol": protocol}
        for port, protocol in _PORT.findall(text)
    ]
    who: list[Json] = [{_FIELDS[kind]: {"matchLabels": labels_of(labels)}} for kind, labels in _SELECTOR.findall(text)]
    who += [{"ipBlock": {"cidr": block}} for block in _BLOCK.findall(text)]
    rule: JsonObject = {"ports": ports} if ports else {}
    if who:
        rule[peers] = who
    return rule
