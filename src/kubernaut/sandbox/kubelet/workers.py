"""One pod on its node: volumes, init containers, containers, status, and its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.cluster import By, Cluster
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import POD
from kubernaut.sandbox.kubelet.containers import Container
from kubernaut.sandbox.kubelet.host import Host
from kubernaut.sandbox.kubelet.pod_status import is_done, render_status
from kubernaut.sandbox.kubelet.programs import memory_limit
from kubernaut.sandbox.recorder import Happening, Recorder, normal, warning

_LONGEST_MOUNT_PAUSE_S = 122
_KUBELET = By("kubelet", "status")
_KUBELET_DELETE = By("kubelet")


class PodWorker:
    """The kubelet's side of one pod."""

    def __init__(self, cluster: Cluster, host: Host, recorder: Recorder, pod: KubeObject, address: str) -> None:
        self._cluster = cluster
        self._host = host
        self._recorder = recorder
        self._pod = pod
        self._now = cluster.clock.now()
        self.uid = pod.uid
        self._address = address
        self._mounted = False
        self._reported: object = None
        self._mount_failures = 0
        self._mount_due: datetime | None = None
        self._stop_due: datetime | None = None
        policy = pod.text("spec", "restartPolicy") or "Always"
        self._initialised = False
        self._inits = [
            Container(spec, host, self._say, policy=policy, address=address, part="initContainers")
            for spec in pod.trees("spec", "initContainers")
        ]
        self._containers = [
            Container(spec, host, self._say, policy=policy, address=address) for spec in pod.trees("spec", "containers")
        ]
        if not self._inits:
            for item in self._containers:
                item.state.waiting = ("ContainerCreating", "")

    def _say(self, happening: Happening) -> None:
        self._recorder.record(self._pod, happening, self._now)

    def container(self, name: str) -> Container | None:
        """The container of that name."""
        return next((item for item in [*self._containers, *self._inits] if item.name == name), None)

    def listens_on(self, port: int, now: datetime) -> bool:
        """Whether some container of the pod has that port open."""
        return any(port == each.port for item in self._running_on() for each in item.listeners(now))

    def sync(self, pod: KubeObject, now: datetime) -> datetime | None:
        """Does what is due, reports the status, and gives when to come again."""
        self._pod, self._now = pod, now
        self._follow_spec(pod)
        if pod.has("metadata", "deletionTimestamp"):
            return self._stop(pod, now)
        if not self._mount(pod, now):
            self._report(pod, now)
            return self._mount_due
        self._advance(pod, now)
        self._report(pod, now)
        moments = [due for item in self._current() if (due := item.next_due())]
        return max(min(moments), now + timedelta(milliseconds=100)) if moments else None

    def _follow_spec(self, pod: KubeObject) -> None:
        for name, items in (("initContainers", self._inits), ("containers", self._containers)):
            for spec, item in zip(pod.trees("spec", name), items, strict=False):
                item.spec = spec

    def _running_on(self) -> list[Container]:
        """All but those that are to end before the others begin."""
        return [*(item for item in self._inits if item.companion), *self._containers]

    def _current(self) -> list[Container]:
        if not self._initialised:
            begun: list[Container] = []
            for item in self._inits:
                if item.companion or not item.state.succeeded:
                    begun.append(item)
                if not (item.launched if item.companion else item.state.succeeded):
                    return begun
            self._initialised = True
        return self._running_on()

    def _advance(self, pod: KubeObject, now: datetime) -> None:
        done: list[Container] = []
        # The end of an init container, or the start of a companion, lets the next begin at once.
        while going := [item for item in self._current() if item not in done]:
            for item in going:
                others = [other for other in self._running_on() if other is not item]
                self._suffer(item, now)
                item.advance(pod, now, frozenset(port for other in others for port in other.claimed_ports))
            done += going
        if is_done(self._containers):
            for item in self._inits:
                if item.companion and item.state.running:
                    item.dismiss(now)

    def _suffer(self, item: Container, now: datetime) -> None:
        misfortune = self._host.world.struck(item.spec.text("image"), now)
        application = self._host.world.images.get(item.spec.text("image"))
        if (
            application
            and item.state.running
            and (limit := memory_limit(item.spec))
            and application.working_set > limit
        ):
            item.outgrow(now)
        planned = item.run is not None and item.run.ending is not None
        if misfortune and misfortune.exit_code is not None and item.state.running and not planned:
            item.strike(misfortune.exit_code, misfortune.lines, now)

    def _mount(self, pod: KubeObject, now: datetime) -> bool:
        if self._mounted or (self._mount_due and now < self._mount_due):
            return self._mounted
        problem = self._obstacle(pod)
        if problem is None:
            self._mounted = True
            return True
        self._say(problem)
        pause = min(_LONGEST_MOUNT_PAUSE_S, 0.5 * 2**self._mount_failures)
        self._mount_failures += 1
        self._mount_due = now + timedelta(seconds=pause)
        return False

    def _obstacle(self, pod: KubeObject) -> Happening | None:
        """What keeps the pod from getting its volumes and its network, in the order in which they are made."""
        world = self._host.world
        if unattached := world.attach(pod):
            return warning("FailedAttachVolume", unattached)
        if unmounted := self._host.configurations.unmountable(pod):
            return warning("FailedMount", unmounted)
        unconnected = world.connect(pod)
        return warning("FailedCreatePodSandBox", unconnected) if unconnected else None

    def _stop(self, pod: KubeObject, now: datetime) -> datetime | None:
        if self._stop_due is None:
            running = [item for item in self._running_on() if item.state.running]
            for item in running:
                self._say(normal("Killing", f"Stopping container {item.name}"))
            needed = [self._host.world.images[item.spec.text("image")].shutdown_s for item in running]
            grace = pod.integer("metadata", "deletionGracePeriodSeconds", default=30)
            self._stop_due = now + timedelta(seconds=min([grace, max(needed, default=0.2)]))
        if now < self._stop_due:
            return self._stop_due
        self._cluster.delete(POD, pod.namespace, pod.name, _KUBELET_DELETE, Deletion(grace_s=0, uid=pod.uid))
        return None

    def _report(self, pod: KubeObject, now: datetime) -> None:
        mark = (pod.resource_version, self._mounted, [item.mark for item in [*self._inits, *self._containers]])
        if mark == self._reported:
            return
        address = self._address if self._mounted else ""
        status = render_status(pod, self._containers, self._inits, address, now)
        if status == pod.at("status"):
            self._reported = mark
            return

        def edit(draft: JsonObject) -> None:
            draft["status"] = status

        self._cluster.change(POD, pod.namespace, pod.name, edit, _KUBELET)
