"""Label and field selectors of requests, parsed once and matched many times."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.domain.selectors import Requirement, Selector
from kubernaut.sandbox.failures import bad_request

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|"
_SET = re.compile(rf"^\s*({_KEY})\s+(in|notin)\s*\(([^()]*)\)\s*$")
_EQUALS = re.compile(rf"^\s*({_KEY})\s*(==|=|!=)\s*({_VALUE})\s*$")
_EXISTS = re.compile(rf"^\s*(!?)\s*({_KEY})\s*$")
_COMMA = re.compile(r",(?![^()]*\))")


def parse_selector(text: str) -> Selector:
    """The requirements of a `labelSelector` parameter; raises a 400 failure where it cannot be read."""
    if not text.strip():
        return ()
    return tuple(_requirement(part) for part in _COMMA.split(text))


def _requirement(part: str) -> Requirement:
    if found := _SET.match(part):
        key, word, values = found.groups()
        chosen = frozenset(value.strip() for value in values.split(","))
        return Requirement(key, "In" if word == "in" else "NotIn", chosen)
    if found := _EQUALS.match(part):
        key, sign, value = found.groups()
        return Requirement(key, "NotIn" if sign == "!=" else "In", frozenset({value}))
    if found := _EXISTS.match(part):
        absent, key = found.groups()
        return Requirement(key, "DoesNotExist" if absent else "Exists")
    raise bad_request(f"unable to parse requirement: found '{part.strip()}', expected: a label selector")


_COMMON_FIELDS = frozenset({"metadata.name", "metadata.namespace"})
_FIELDS: dict[str, frozenset[str]] = {
    "pods": frozenset(
        {"spec.nodeName", "status.phase", "spec.restartPolicy", "status.podIP", "spec.serviceAccountName"}
    ),
    "nodes": frozenset({"spec.unschedulable"}),
    "secrets": frozenset({"type"}),
    "namespaces": frozenset({"status.phase"}),
    "replicasets.apps": frozenset({"status.replicas"}),
    "jobs.batch": frozenset({"status.successful"}),
    "events": frozenset(
        {f"involvedObject.{part}" for part in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")}
        | {f"regarding.{part}" for part in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")}
        | {"reason", "type", "source", "reportingController"}
    ),
}


@dataclass(frozen=True, slots=True)
class FieldClaim:
    """`path` equals the value, or does not."""

    path: tuple[str, ...]
    value: str
    negated: bool

    def holds(self, item: JsonObject) -> bool:
        """Whether the object satisfies it; an absent field reads as the empty text."""
        value = Tree(item).at(*self.path)
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        if self.path == ("spec", "unschedulable") and not text:
            text = "false"
        return (text == self.value) is not self.negated


def parse_fields(text: str, kind_key: str) -> tuple[FieldClaim, ...]:
    """The claims of a `fieldSelector` parameter; raises a 400 failure for fields this kind cannot be asked by."""
    claims: list[FieldClaim] = []
    for part in filter(None, text.split(",")):
        sign = next((sign for sign in ("!=", "==", "=") if sign in part), "")
        if not sign:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        name, value = part.split(sign, 1)
        if name not in _COMMON_FIELDS and name not in _FIELDS.get(kind_key, frozenset()):
            raise bad_request(f'field label not supported: "{name}"')
        claims.append(FieldClaim(_stored_path(name), value, sign == "!="))
    return tuple(claims)


def _stored_path(name: str) -> tuple[str, ...]:
    if name.startswith("regarding."):
        name = "involvedObject." + name.removeprefix("regarding.")
    path = {"source": "source.component", "reportingController": "reportingComponent"}.get(name, name)
    return tuple(path.split("."))
