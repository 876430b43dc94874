"""Jobs made from other Jobs: what of their identity must not be copied."""

from __future__ import annotations

from typing import Final

from kubernaut.domain.objects import JsonObject, Tree, copied

# A finished Job is what tells a second run of the same step that it was made: it is kept for a day.
KEPT_S: Final = 86_400
_LONGEST_NAME: Final = 63
_OF_THE_OLD: Final = (
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
)


def without_identity(spec: Tree) -> JsonObject:
    """The Job's spec without the selector and the labels by which the old Job finds its pods."""
    result = copied(dict(spec.raw))
    for key in ("selector", "manualSelector"):
        result.pop(key, None)
    template = result.get("template")
    metadata = template.get("metadata") if isinstance(template, dict) else None
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    for label in _OF_THE_OLD:
        if isinstance(labels, dict):
            labels.pop(label, None)
    return result


def short_name(name: str, suffix: str) -> str:
    """A Job's name of at most 63 characters: it becomes a label of its pods."""
    return f"{name[: _LONGEST_NAME - len(suffix) - 1].rstrip('-.')}-{suffix}"
