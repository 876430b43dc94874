"""The state of a container as the status of its pod tells it: waiting, running or terminated, and the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.shapes import stamp


@dataclass(slots=True)
class State:
    """`waiting` is reason and message, and counts only while it neither runs nor has ended."""

    waiting: tuple[str, str] = ("PodInitializing", "")
    started: datetime | None = None
    terminated: JsonObject | None = None
    last: JsonObject | None = None

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.started is not None and self.terminated is None

    @property
    def succeeded(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.terminated is not None and self.terminated.get("exitCode") == 0

    def end(self, code: int, reason: str, container_id: str, now: datetime) -> JsonObject:
        """The end of the present run; one that never started ends where it was to begin."""
        self.terminated = {
            "containerID": container_id,
            "exitCode": code,
            "finishedAt": stamp(now),
            "reason": reason,
            "startedAt": stamp(self.started or now),
        }
        return self.terminated

    def as_json(self) -> JsonObject:
        """The member `state` of a container status."""
        if self.terminated is not None:
            return {"terminated": self.terminated}
        if self.started is not None:
            return {"running": {"startedAt": stamp(self.started)}}
        reason, message = self.waiting
        waiting: dict[str, Json] = {"reason": reason}
        if message:
            waiting["message"] = message
        return {"waiting": waiting}
