"""The documents by which clients find out what is served."""

from __future__ import annotations

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.kinds import KINDS, REVIEWS, Kind

VERSION = "v1.34.4"
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_SUB_KINDS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "scale": ("autoscaling", "v1", "Scale", ("get", "patch", "update")),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
}


def document(path: str) -> JsonObject | None:  # noqa: PLR0911  # one line a document
    """The discovery document at the path, None where there is none."""
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["version"]:
            return _version()
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups: list[Json] = [_group(name) for name in _groups()]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group] if group in _groups():
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["api", "v1"]:
            return _resources("", "v1")
        case ["apis", group, version] if version == _groups().get(group):
            return _resources(group, version)
        case ["openapi", "v3"]:
            return {"paths": {place: {"serverRelativeURL": f"/openapi/v3/{place}"} for place in _places()}}
        case ["openapi", "v3", *rest] if "/".join(rest) in _places():
            return _openapi("/".join(rest))
        case _:
            return None


def _version() -> JsonObject:
    major, minor, _ = VERSION.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def _groups() -> dict[str, str]:
    return {kind.group: kind.version for kind in KINDS if kind.group}


def _group(name: str) -> JsonObject:
    version: JsonObject = {"groupVersion": f"{name}/{_groups()[name]}", "version": _groups()[name]}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resources(group: str, version: str) -> JsonObject:
    listed: list[Json] = []
    for kind in KINDS:
        if (kind.group, kind.version) == (group, version):
            listed.append(_resource(kind))
            listed += [_subresource(kind, name) for name in kind.subresources]
    place = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": place, "resources": listed}


def _resource(kind: Kind) -> JsonObject:
    verbs: list[Json] = ["create"] if kind in REVIEWS else [*_VERBS]
    found: JsonObject = {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": verbs,
    }
    if kind.short:
        found["shortNames"] = [*kind.short]
    if kind.categories:
        found["categories"] = [*kind.categories]
    return found


def _subresource(kind: Kind, name: str) -> JsonObject:
    group, version, shown, verbs = _SUB_KINDS.get(name, ("", "", kind.name, ("get", "patch", "update")))
    found: JsonObject = {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": shown,
        "verbs": [*(("get",) if name == "log" else verbs)],
    }
    if group:
        found |= {"group": group, "version": version}
    return found


def _places() -> list[str]:
    return ["api/v1", *(f"apis/{group}/{version}" for group, version in _groups().items())]


def _openapi(place: str) -> JsonObject:
    """Just enough for kubectl to see that fields are validated by the server."""
    parts = place.split("/")
    group = parts[1] if parts[0] == "apis" else ""
    paths: JsonObject = {}
    for kind in KINDS:
        if kind.group != group or kind in REVIEWS:
            continue
        middle = "/namespaces/{namespace}" if kind.namespaced else ""
        operation: JsonObject = {
            "operationId": f"patch{kind.name}",
            "parameters": [
                {"name": "fieldValidation", "in": "query", "schema": {"type": "string", "uniqueItems": True}},
                {"name": "dryRun", "in": "query", "schema": {"type": "string", "uniqueItems": True}},
            ],
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": kind.group, "kind": kind.name, "version": kind.version},
        }
        paths[f"/{place}{middle}/{kind.plural}/{{name}}"] = {"patch": operation}
    information: JsonObject = {"title": "Kubernetes", "version": VERSION}
    return {"openapi": "3.0.0", "info": information, "paths": paths, "components": {"schemas": {}}}
