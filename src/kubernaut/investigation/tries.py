"""Jobs try again: a first try that failed is no fault while the next one runs."""

from __future__ import annotations

from typing import Final

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.containers import is_ready

_INDEX: Final = "batch.kubernetes.io/job-completion-index"


def is_tried_again(job: KubeObject, pod: KubeObject, pods: list[KubeObject]) -> bool:
    """Whether the pod is the only failed try of a Job, and the next one runs."""
    if job.kind != "Job" or pod.text("status", "phase") != "Failed" or job.integer("status", "failed") > 1:
        return False
    index, made = pod.labels.get(_INDEX), pod.created_at
    later = [each for each in pods if made and each.created_at and each.created_at > made]
    return any(is_ready(each) and each.labels.get(_INDEX) == index for each in later)
