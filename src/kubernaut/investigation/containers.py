"""Containers as a kubelet reports them: what runs, what waits, and how the last run ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.objects import KubeObject, Tree

CONTAINER = "container"
INIT = "init container"
SIDECAR = "sidecar"
EPHEMERAL = "ephemeral container"

PULL_PROBLEMS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "ErrImageNeverPull", "InvalidImageName"}
    | {"RegistryUnavailable", "SignatureValidationFailed"}
)
START_PROBLEMS = frozenset(
    {"RunContainerError", "CreateContainerError", "CreateContainerConfigError", "PostStartHookError"}
    | {"PreStartHookError", "PreCreateHookError", "StartError", "ContainerCannotRun"}
)
HARMLESS_WAITS = frozenset({"", "ContainerCreating", "PodInitializing"})
_FAILED_ENDS = frozenset({"Error", "OOMKilled", "ContainerCannotRun", "StartError"})
RECENT = timedelta(minutes=10)
_FEW = 2
_PROVEN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Container:
    """One container of one pod: what is wanted and what is."""

    pod: KubeObject
    spec: Tree
    status: Tree
    role: str
    status_list: str

    @property
    def name(self) -> str:
        """Its name in the pod."""
        return self.spec.text("name")

    @property
    def image(self) -> str:
        """The image that was asked for."""
        return self.spec.text("image")

    @property
    def is_spec_read(self) -> bool:
        """Whether what is wanted of it was read: every container has an image, a pasted table shows none."""
        return bool(self.image)

    @property
    def waiting(self) -> str:
        """Why it does not run: `CrashLoopBackOff`, `ErrImagePull` and so on; empty when it does."""
        return self.status.text("state", "waiting", "reason")

    @property
    def message(self) -> str:
        """The kubelet's words for it."""
        return self.status.text("state", "waiting", "message")

    @property
    def is_running(self) -> bool:
        """Whether a process runs."""
        return self.status.has("state", "running")

    @property
    def is_ready(self) -> bool:
        """What the readiness probe says."""
        return self.status.flag("ready")

    @property
    def running_since(self) -> datetime | None:
        """When this run began."""
        return self.status.time("state", "running", "startedAt")

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return self.status.integer("restartCount")

    @property
    def restarted(self) -> str:
        """`, 7 restarts`, empty where they are not told."""
        return f", {self.restarts} restarts" if self.status.has("restartCount") else ""

    @property
    def ended(self) -> Tree | None:
        """The last run that ended, now or before the present one."""
        for state in ("state", "lastState"):
            if self.status.has(state, "terminated"):
                return self.status.tree(state, "terminated")
        return None

    @property
    def ended_path(self) -> str:
        """Where that is written."""
        state = "state" if self.status.has("state", "terminated") else "lastState"
        return f"status.{self.status_list}[{self.name}].{state}.terminated"

    @property
    def waiting_path(self) -> str:
        """Where the reason for waiting is written."""
        return f"status.{self.status_list}[{self.name}].state.waiting"

    @property
    def exit_code(self) -> int | None:
        """How the last run ended, None where that is not told: a pasted table says only that it did."""
        return self.ended.integer("exitCode") if self.ended and self.ended.has("exitCode") else None

    @property
    def is_failed_end(self) -> bool | None:
        """Whether the last run ended with an error: the kubelet calls it so unless the code was 0. None if not told."""
        if self.exit_code is not None:
            return self.exit_code != 0
        reason = self.ended.text("reason") if self.ended else ""
        return True if reason in _FAILED_ENDS else False if reason == "Completed" else None

    @property
    def is_out_of_memory(self) -> bool:
        """Whether the kernel ended the last run for its memory. Exit code 137 alone does not say so."""
        return self.ended is not None and self.ended.text("reason") == "OOMKilled"

    @property
    def label(self) -> str:
        """How people call it: `container app`, `init container migrate`; `its container` without a name."""
        return f"{self.role} {self.name}" if self.name else f"its {self.role}"


def containers_of(pod: KubeObject) -> list[Container]:
    """All containers of a pod: init containers and sidecars first, debugging ones last."""
    found = []
    lists = (
        ("initContainers", "initContainerStatuses", INIT),
        ("containers", "containerStatuses", CONTAINER),
        ("ephemeralContainers", "ephemeralContainerStatuses", EPHEMERAL),
    )
    for wanted, seen, role in lists:
        statuses = {status.text("name"): status for status in pod.trees("status", seen)}
        for spec in pod.trees("spec", wanted):
            sidecar = role == INIT and spec.text("restartPolicy") == "Always"
            status = statuses.get(spec.text("name"), Tree({}))
            found.append(Container(pod, spec, status, SIDECAR if sidecar else role, seen))
    return found


def is_crashing(container: Container, now: datetime) -> bool:
    """Whether it ends and is started again, or cannot be started. A restart that healed long ago does not count."""
    if container.role == EPHEMERAL or container.waiting in PULL_PROBLEMS:
        return False
    if container.waiting == "CrashLoopBackOff" or container.waiting in START_PROBLEMS:
        return True
    ended = container.ended
    if ended is None:
        return False
    failed = container.is_failed_end
    if container.status.has("state", "terminated"):
        return failed is True
    # How it ended is not told: that it does so again and again is.
    failed = container.restarts > _FEW if failed is None else failed
    finished = ended.time("finishedAt")
    recent = finished is not None and now - finished <= RECENT
    return failed and recent and container.restarts > 0 and not _has_recovered(container, ended, now)


def _has_recovered(container: Container, ended: Tree, now: datetime) -> bool:
    """Whether it is ready and has run for clearly longer than the run that failed."""
    if not container.is_ready:
        return False
    if container.restarts <= _FEW:
        return True
    started, finished, since = ended.time("startedAt"), ended.time("finishedAt"), container.running_since
    if started is None or finished is None or since is None:
        return False
    return now - since > max(_PROVEN, (finished - started) * 3)


def crashing_since(container: Container) -> datetime | None:
    """When the present series of crashes began, worked back from the count of restarts and the kubelet's back-off."""
    ended = container.ended
    finished = ended.time("finishedAt") if ended else None
    if ended is None or finished is None:
        return container.pod.created_at
    started = ended.time("startedAt") or finished
    started = finished if ended.text("reason") == "StartError" else started
    run = max(finished - started, timedelta(0))
    # The wait after the last end that is known came after it: where it runs again, that is not counted.
    count = min(max(container.restarts - container.is_running, 1), 100_000)
    doubling = min(count - 1, 5)
    waited = 10 * (2**doubling - 1) + 300 * (count - 1 - doubling)
    # A run of ten minutes resets the back-off: then the container worked, and the series is this one crash.
    begun = container.pod.time("status", "startTime") or container.pod.created_at
    try:
        since = finished if run >= RECENT else finished - timedelta(seconds=waited) - run * count
    except OverflowError:
        return begun
    return max(since, begun) if begun else since


def is_ready(pod: KubeObject) -> bool:
    """Whether the pod takes traffic."""
    condition = pod.condition("Ready")
    return condition is not None and condition.text("status") == "True"


def holds_room(pod: KubeObject) -> bool:
    """Whether the pod does nothing but keep room for others, and gives way to any: nobody misses it while it waits."""
    images = [entry.text("image").rpartition("/")[2].partition("@")[0] for entry in pod.trees("spec", "containers")]
    idle = bool(images) and all(image.partition(":")[0].partition("-")[0] == "pause" for image in images)
    return idle and pod.integer("spec", "priority") < 0


def is_leaving(pod: KubeObject) -> bool:
    """Whether the pod is being deleted."""
    return pod.has("metadata", "deletionTimestamp")
