"""Takes the values out of Secrets before anything else sees the object. Their keys stay: a missing key is evidence."""

from __future__ import annotations

from kubernaut.domain.objects import JsonObject

_COPIES = ("kubectl.kubernetes.io/last-applied-configuration",)


def without_values(raw: JsonObject) -> JsonObject:
    """The object itself; where it is a Secret, with every value and every copy of the values emptied in place."""
    if raw.get("kind") != "Secret":
        return raw
    for field in ("data", "stringData"):
        values = raw.get(field)
        if isinstance(values, dict):
            raw[field] = dict.fromkeys(values, "")
    metadata = raw.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict):
        annotations.update({key: "" for key in _COPIES if key in annotations})
    return raw
