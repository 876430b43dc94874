"""Jobs and the CronJobs that make them."""

from __future__ import annotations

from datetime import datetime

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.scene import Scene


def cron_of(scene: Scene, job: KubeObject) -> KubeObject | None:
    """The CronJob that made the Job, None where none did or it was not seen."""
    owner = job.controller
    return scene.get("CronJob", job.namespace, owner.name) if owner and owner.kind == "CronJob" else None


def jobs_of(scene: Scene, cron: KubeObject) -> list[KubeObject]:
    """The Jobs that the CronJob made and that are still there, newest first."""
    return sorted(scene.owned(cron, "Job"), key=lambda job: str(job.created_at), reverse=True)


def last_success(cron: KubeObject) -> datetime | None:
    """When a Job of it ended well for the last time."""
    return cron.time("status", "lastSuccessfulTime")


def last_start(cron: KubeObject) -> datetime | None:
    """When it made a Job for the last time."""
    return cron.time("status", "lastScheduleTime")
