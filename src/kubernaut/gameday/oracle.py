"""Whether the system serves its users as intended. Asks nobody who wants it healed: only what the API shows counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.gameday.seeing import View
from kubernaut.gameday.shop import App, Shop


@dataclass(frozen=True, slots=True)
class Oracle:
    """`intended` is the system as it was while it was well; `tolerates` names parts of containers that may differ."""

    shop: Shop
    intended: View
    tolerates: frozenset[str] = frozenset()

    def complaints(self, now: View) -> list[str]:
        """What users would complain about, or an owner who looks at what he deployed; empty where all is well."""
        found = [text for app in self.shop.apps for text in self._of_app(app, now)]
        return found + [f"{job.name} failed" for job in now.of_kind("Job") if _holds(job, "Failed")]

    def _of_app(self, app: App, now: View) -> Iterator[str]:
        item = now.get(app.ref)
        if item is None or item.has("metadata", "deletionTimestamp"):
            yield f"{app.name} is gone"
            return
        if not self._as_intended(app.ref, item):
            yield f"{app.name} is not what was deployed"
        yield from _unready(item, app, now)
        service = now.get(app.service_ref)
        if service is None or not self._same_part(app.service_ref, service, "spec"):
            yield f"the Service {app.name} is not what was deployed"
        elif not _served(service, now):
            yield f"nobody answers behind the Service {app.name}"
        settings = now.get(app.settings_ref)
        if settings is None or not self._same_part(app.settings_ref, settings, "data"):
            yield f"the settings of {app.name} are not what was deployed"

    def _same_part(self, ref: ObjectRef, item: KubeObject, part: str) -> bool:
        before = self.intended.get(ref)
        return before is not None and before.at(part) == item.at(part)

    def _as_intended(self, ref: ObjectRef, item: KubeObject) -> bool:
        before = self.intended.get(ref)
        if before is None or before.at("spec", "replicas") != item.at("spec", "replicas"):
            return False
        return self._compared(before) == self._compared(item)

    def _compared(self, item: KubeObject) -> JsonObject:
        """The pod template's spec without what may differ. A restart writes its time beside it, so that is the same."""
        spec: JsonObject = dict(item.tree("spec", "template", "spec").raw)
        containers: list[Json] = [
            {key: part for key, part in each.raw.items() if key not in self.tolerates}
            for each in item.trees("spec", "template", "spec", "containers")
        ]
        # An empty list that was written and one that was not are the same to the kubelet.
        return {key: part for key, part in (spec | {"containers": containers}).items() if part not in ([], {}, None)}


def _unready(item: KubeObject, app: App, now: View) -> Iterator[str]:
    status = item.tree("status")
    if app.kind == "DaemonSet":
        wanted = status.integer("desiredNumberScheduled")
        ready, updated = status.integer("numberReady"), status.integer("updatedNumberScheduled")
    else:
        wanted = item.integer("spec", "replicas", default=1)
        ready, updated = status.integer("readyReplicas"), status.integer("updatedReplicas")
    pods = [pod for pod in now.of_kind("Pod") if pod.labels.get("app") == app.name and not _is_job_pod(pod)]
    living = [pod for pod in pods if not pod.has("metadata", "deletionTimestamp")]
    if status.integer("observedGeneration") < item.generation:
        yield f"the last change of {app.name} is not taken up yet"
    if not wanted == ready == updated == len(living) or not all(_holds(pod, "Ready") for pod in living):
        yield f"{ready} of {wanted} replicas of {app.name} are ready, {updated} as deployed"


def _is_job_pod(pod: KubeObject) -> bool:
    owner = pod.controller
    return owner is not None and owner.kind == "Job"


def _holds(item: KubeObject, condition: str) -> bool:
    found = item.condition(condition)
    return found is not None and found.text("status") == "True"


def _served(service: KubeObject, now: View) -> bool:
    for part in now.of_kind("EndpointSlice"):
        if part.labels.get("kubernetes.io/service-name") != service.name or part.namespace != service.namespace:
            continue
        if part.trees("ports") and any(each.at("conditions", "ready") is not False for each in part.trees("endpoints")):
            return True
    return False


def restarts_in(view: View) -> int:
    """How often containers were restarted in all."""
    return sum(
        status.integer("restartCount")
        for pod in view.of_kind("Pod")
        for status in pod.trees("status", "containerStatuses")
    )


@dataclass
class Watch:
    """Well means well for a while: a crash loop is ready between two crashes."""

    hold: timedelta
    since: datetime | None = None
    complaints: list[str] = field(default_factory=list)
    _pods: frozenset[str] = frozenset()
    _restarts: int = 0

    def look(self, complaints: list[str], view: View, at: datetime) -> bool:
        """Takes one look; whether it has been well for long enough."""
        self.complaints = complaints
        pods = frozenset(pod.uid for pod in view.of_kind("Pod"))
        restarts = restarts_in(view)
        same = pods == self._pods and restarts == self._restarts
        self._pods, self._restarts = pods, restarts
        if complaints:
            self.since = None
            return False
        if self.since is None or not same:
            self.since = at
        return at - self.since >= self.hold
