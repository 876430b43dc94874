"""One container of one pod: pulled, configured, started, probed, ended, and started again after a back-off."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.sandbox.applications import Application, Listener
from kubernaut.sandbox.demand import is_companion
from kubernaut.sandbox.kubelet.back_off import back_off_s
from kubernaut.sandbox.kubelet.configuration import Missing
from kubernaut.sandbox.kubelet.host import Host
from kubernaut.sandbox.kubelet.logs import Log
from kubernaut.sandbox.kubelet.probing import Probes, Target
from kubernaut.sandbox.kubelet.programs import KILLED, Run, RunEnd, start_program
from kubernaut.sandbox.kubelet.pulling import ImagePull, Say
from kubernaut.sandbox.kubelet.states import State
from kubernaut.sandbox.recorder import normal, warning

# The kubelet forgets a back-off once a container ran for twice its longest, ten minutes.
_CALM_S = 600
# A little more than the 10 s after which the kubelet looks at such a pod again: ErrImagePull until then.
_UNTIL_BACK_OFF_IS_SAID = timedelta(seconds=12)
_NEXT_LOOK = timedelta(seconds=10)
Step = Callable[[KubeObject, datetime], None]


class Container:
    """The kubelet's memory of one container."""

    def __init__(  # what a container is, and whom it tells
        self, spec: Tree, host: Host, say: Say, *, policy: str, address: str, part: str = "containers"
    ) -> None:
        self.spec = spec
        self.name = spec.text("name")
        self.companion = part == "initContainers" and is_companion(spec)
        self.init = part == "initContainers" and not self.companion
        self._world = host.world
        self._configurations = host.configurations
        self._say = say
        self._field = f"spec.{part}{{{self.name}}}"
        self.state = State()
        self.run: Run | None = None
        self.restarts = 0
        self.log = Log()
        self.previous_log: Log | None = None
        self.probes: Probes | None = None
        self.serial = 0
        self._image = ImagePull(host, say, self._field)
        self._crashes = 0
        self._taken: frozenset[int] = frozenset()
        # An init container with restartPolicy Always is a sidecar (Kubernetes 1.29), and is started again whatever the
        # pod says.
        self._policy = "Always" if self.companion else "OnFailure" if self.init and policy != "Never" else policy
        self._address = address
        self._step: Step = self._pull
        self.due: datetime | None = None

    @property
    def launched(self) -> bool:
        """Whether it passed its startup probe."""
        return self.state.running and (self.probes is None or self.probes.has_passed("startupProbe"))

    @property
    def ready(self) -> bool:
        """Whether it counts for the pod's readiness."""
        if self.init:
            return self.state.succeeded
        return self.launched and (self.probes is None or self.probes.has_passed("readinessProbe"))

    @property
    def mark(self) -> object:
        """Changes whenever the status that is reported would."""
        return replace(self.state), self.serial, self.restarts, self.due is None, self.ready, self.launched

    @property
    def container_id(self) -> str:
        """The identifier of the present run, as the runtime prints it."""
        digest = hashlib.sha256(f"{self._field}{id(self)}{self.serial}".encode()).hexdigest()
        return f"containerd://{digest}"

    def listeners(self, now: datetime) -> tuple[Listener, ...]:
        """What it listens on."""
        if not self.state.running or self.run is None or self.state.started is None:
            return ()
        return self.run.listening(self.state.started, now)

    @property
    def claimed_ports(self) -> frozenset[int]:
        """The ports that its program takes, or is about to: of two that start together, the second finds it taken."""
        if not self.state.running or self.run is None or self.run.ending is not None:
            return frozenset()
        return frozenset(listener.port for listener in self.run.listeners)

    def advance(self, pod: KubeObject, now: datetime, taken: frozenset[int]) -> None:
        """Does all that is due."""
        self._taken = taken
        if self.due is None and self.state.started is None and self.state.terminated is None:
            self.due = now
        while self.due is not None and self.due <= now:
            self._step(pod, now)
        self._ask_probes(now)

    def next_due(self) -> datetime | None:
        """When there is something to do again."""
        probed = self.probes.next_due() if self.probes is not None and self.state.running else None
        return min((moment for moment in (probed, self.due) if moment is not None), default=None)

    def _then(self, step: Step, due: datetime | None) -> None:
        self._step, self.due = step, due

    def _pull(self, pod: KubeObject, now: datetime) -> None:
        # The kubelet goes on telling of the last failure while it tries again.
        if not self._image.failures:
            first = self.state.waiting[0] == "PodInitializing"
            self.state.waiting = ("PodInitializing" if first else "ContainerCreating", "")
        if self._image.is_needed(self.spec):
            self._then(self._end_pull, now + self._image.begin(self.spec))
        else:
            self._recreate(pod, now)

    def _end_pull(self, pod: KubeObject, now: datetime) -> None:
        if self._image.end(pod, self.spec):
            self._then(self._create, now)
            return
        self.state.waiting = ("ErrImagePull", self._image.error)
        self._then(self._back_off_pull, now + min(_UNTIL_BACK_OFF_IS_SAID, self._image.pause() / 2))

    def _back_off_pull(self, _pod: KubeObject, now: datetime) -> None:
        self.state.waiting = ("ImagePullBackOff", self._image.back_off(self.spec))
        self._then(self._pull, now + self._image.pause())

    def _create(self, pod: KubeObject, now: datetime) -> None:
        application = self._world.images.get(self.spec.text("image"), Application())
        try:
            configuration = self._configurations.configure(pod, self.spec)
        except Missing as missing:
            self.state.waiting = ("CreateContainerConfigError", str(missing))
            self.state.terminated = None
            self._say(warning("Failed", f"Error: {missing}", self._field))
            self._then(self._recreate, now + _NEXT_LOOK)
            return
        self._say(normal("Created", f"Created container: {self.name}", self._field))
        self.run = start_program(
            application,
            self.spec,
            configuration,
            taken_ports=self._taken,
            misfortune=self._world.struck(self.spec.text("image"), now),
        )
        self.serial += 1
        if self.serial > 1:
            self.previous_log = self.log
        self.log = Log()
        self.state.terminated = None
        if self.run.ending and self.run.ending.start_error:
            self._fail_start(self.run.ending.start_error, now)
            return
        self._say(normal("Started", f"Started container {self.name}", self._field))
        self.state.started = now
        self.log.add(now, *self.run.lines)
        self.probes = Probes(self.spec, now)
        self._plan_end(now)

    def _recreate(self, pod: KubeObject, now: datetime) -> None:
        self._say(
            normal("Pulled", f'Container image "{self.spec.text("image")}" already present on machine', self._field)
        )
        self._create(pod, now)

    def _plan_end(self, now: datetime) -> None:
        ending = self.run.ending if self.run else None
        self._then(self._end, now + timedelta(seconds=ending.after_s) if ending else None)

    def _fail_start(self, error: str, now: datetime) -> None:
        self._say(warning("Failed", f"Error: {error}", self._field))
        self.state.started = None
        ended = self.state.end(128, "StartError", self.container_id, now)
        # The runtime leaves the time unset, and Go prints that as the beginning of its epoch.
        ended |= {"message": error, "startedAt": "1970-01-01T00:00:00Z"}
        self._after_end(now)

    def _end(self, _pod: KubeObject, now: datetime) -> None:
        ending = self.run.ending if self.run else None
        if ending is None or self.state.started is None:
            self.due = None
            return
        self.log.add(now, *ending.lines)
        self.state.end(ending.exit_code, ending.reason, self.container_id, now)
        self._after_end(now)

    def kill(self, reason: str, now: datetime) -> None:
        """Stops the process for a failed liveness probe or a misfortune."""
        if self.state.started is None:
            return
        self.state.end(KILLED, reason, self.container_id, now)
        self._after_end(now)

    def dismiss(self, now: datetime) -> None:
        """Stops the process for good: its pod has done its work."""
        if self.state.running:
            self.state.end(0, "Completed", self.container_id, now)
        self.probes = None
        self._then(self._end, None)

    def outgrow(self, now: datetime) -> None:
        """Ends the process within seconds for want of memory, unless its end is planned already."""
        if self.run is not None and self.run.ending is None:
            self.run = replace(self.run, ending=RunEnd(0, KILLED, "OOMKilled"))
            self._then(self._end, now + timedelta(seconds=2))

    def strike(self, exit_code: int, lines: tuple[str, ...], now: datetime) -> None:
        """Ends the process from within."""
        if self.state.running:
            self.log.add(now, *lines)
            self.state.end(exit_code, "Error", self.container_id, now)
            self._after_end(now)

    def _after_end(self, now: datetime) -> None:
        ran_s = (now - self.state.started).total_seconds() if self.state.started else 0.0
        self.probes = None
        self._crashes = 0 if ran_s > _CALM_S else self._crashes
        policy = self._policy
        if policy == "Never" or (policy == "OnFailure" and self.state.succeeded):
            self._then(self._end, None)
            return
        self._crashes += 1
        if self._crashes == 1:
            # The first crash is answered at once; the back-off starts with the second.
            self._then(self._restart, now + timedelta(seconds=1))
        else:
            self._then(self._say_crash_back_off, now + timedelta(seconds=1))

    def _say_crash_back_off(self, pod: KubeObject, now: datetime) -> None:
        pause = back_off_s(self._crashes - 1)
        whole = f"{pod.name}_{pod.namespace}({pod.uid})"
        text = f"Back-off restarting failed container {self.name} in pod {whole}"
        self._say(warning("BackOff", text, self._field))
        shown = f"{pause // 60}m{pause % 60}s" if pause >= 60 else f"{pause}s"  # noqa: PLR2004  # as Go prints it
        message = f"back-off {shown} restarting failed container={self.name} pod={whole}"
        self.state = State(waiting=("CrashLoopBackOff", message), last=self.state.terminated)
        self._then(self._restart, now + timedelta(seconds=pause))

    def _restart(self, pod: KubeObject, now: datetime) -> None:
        self.state.last = self.state.terminated or self.state.last
        self.restarts += 1
        self._recreate(pod, now)

    def _ask_probes(self, now: datetime) -> None:
        if self.probes is None or not self.state.running:
            return
        misfortune = self._world.struck(self.spec.text("image"), now)
        sick = misfortune.paths if misfortune is not None and misfortune.exit_code is None else frozenset[str]()
        target = Target(self._address, self.listeners(now), sick)
        for kind, probe in self.probes.asked().items():
            if probe.due > now:
                continue
            output = probe.ask(target, now)
            word = kind.removesuffix("Probe").capitalize()
            if probe.unanswerable:
                text = f"{word} probe errored and resulted in unknown state: {probe.unanswerable}"
                self._say(warning("Unhealthy", text, self._field))
            elif output:
                self._say(warning("Unhealthy", f"{word} probe failed: {output}", self._field))
            if probe.failed and kind != "readinessProbe":
                word = kind.removesuffix("Probe")
                text = f"Container {self.name} failed {word} probe, will be restarted"
                self._say(normal("Killing", text, self._field))
                self.log.add(now, 'level=info msg="received signal" signal=terminated')
                self.kill("Error", now)
                return
