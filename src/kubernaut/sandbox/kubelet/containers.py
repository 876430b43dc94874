"""One container of one pod: pulled, configured, started, probed, ended, and started again after a back-off."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.sandbox.applications import Application, Listener
from kubernaut.sandbox.demand import is_companion
from kubernaut.sandbox.kubelet.back_off import back_off_s
from kubernaut.sandbox.kubelet.configuration import Missing
from kubernaut.sandbox.kubelet.host import Host
from kubernaut.sandbox.kubelet.logs import Log
from kubernaut.sandbox.kubelet.probing import Probe, Target
from kubernaut.sandbox.kubelet.programs import KILLED, Ending, Run, start_program
from kubernaut.sandbox.recorder import Happening, normal, warning
from kubernaut.sandbox.shapes import stamp

_CALM_S = 600
_UNTIL_BACK_OFF_IS_SAID = timedelta(seconds=12)
_NEXT_LOOK = timedelta(seconds=10)
Say = Callable[[Happening], None]
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
        self._images = host.images
        self._say = say
        self._field = f"spec.{part}{{{self.name}}}"
        self.waiting: tuple[str, str] = ("PodInitializing", "")
        self.terminated: JsonObject | None = None
        self.last: JsonObject | None = None
        self.started: datetime | None = None
        self.run: Run | None = None
        self.restarts = 0
        self.log = Log()
        self.previous_log: Log | None = None
        self.probes: dict[str, Probe] = {}
        self.serial = 0
        self._pull_failures = 0
        self._crashes = 0
        self._pull_error = ""
        self._taken: frozenset[int] = frozenset()
        self._policy = "Always" if self.companion else "OnFailure" if self.init and policy != "Never" else policy
        self._address = address
        self._step: Step = self._pull
        self.due: datetime | None = None

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.started is not None and self.terminated is None

    @property
    def succeeded(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.terminated is not None and self.terminated.get("exitCode") == 0

    @property
    def launched(self) -> bool:
        """Whether it passed its startup probe."""
        probe = self.probes.get("startupProbe")
        return self.running and (probe is None or probe.passed)

    @property
    def ready(self) -> bool:
        """Whether it counts for the pod's readiness."""
        probe = self.probes.get("readinessProbe")
        return self.succeeded if self.init else self.launched and (probe is None or probe.passed)

    @property
    def mark(self) -> object:
        """Changes whenever the status that is reported would."""
        times = (self.started, self.serial, self.restarts, self.due is None)
        return times, self.waiting, self.terminated, self.last, self.ready, self.launched

    @property
    def container_id(self) -> str:
        """The identifier of the present run, as the runtime prints it."""
        digest = hashlib.sha256(f"{self._field}{id(self)}{self.serial}".encode()).hexdigest()
        return f"containerd://{digest}"

    def open_ports(self, now: datetime) -> frozenset[int]:
        """The ports it listens on."""
        return frozenset(listener.port for listener in self._listeners(now))

    @property
    def claimed_ports(self) -> frozenset[int]:
        """The ports that its program takes, or is about to: of two that start together, the second finds it taken."""
        going = self.running and self.run is not None and self.run.ending is None
        return frozenset(listener.port for listener in self.run.listeners) if going and self.run else frozenset()

    def _listeners(self, now: datetime) -> tuple[Listener, ...]:
        if not self.running or self.run is None or self.started is None:
            return ()
        up = now >= self.started + timedelta(seconds=self.run.startup_s)
        return self.run.listeners if up else ()

    def advance(self, pod: KubeObject, now: datetime, taken: frozenset[int]) -> None:
        """Does all that is due."""
        self._taken = taken
        if self.due is None and self.started is None and self.terminated is None:
            self.due = now
        while self.due is not None and self.due <= now:
            self._step(pod, now)
        self._ask_probes(now)

    def next_due(self) -> datetime | None:
        """When there is something to do again."""
        moments = [probe.due for _, probe in self._asked()] if self.running else []
        return min([*moments, *([self.due] if self.due else [])], default=None)

    def _then(self, step: Step, due: datetime | None) -> None:
        self._step, self.due = step, due

    def _pull(self, pod: KubeObject, now: datetime) -> None:
        image = self.spec.text("image")
        # The kubelet goes on telling of the last failure while it tries again.
        if not self._pull_failures:
            self.waiting = ("PodInitializing" if self.waiting[0] == "PodInitializing" else "ContainerCreating", "")
        if image in self._images and self.spec.text("imagePullPolicy") != "Always":
            self._recreate(pod, now)
            return
        self._say(normal("Pulling", f'Pulling image "{image}"', self._field))
        self._then(self._end_pull, now + timedelta(seconds=self._world.pull_s))

    def _end_pull(self, pod: KubeObject, now: datetime) -> None:
        image = self.spec.text("image")
        result = self._world.pull(image, credentials=self._configurations.has_credentials(pod))
        if result.application is None:
            self._pull_failures += 1
            self._pull_error = result.error
            self._say(warning("Failed", f'Failed to pull image "{image}": {result.error}', self._field))
            self._say(warning("Failed", "Error: ErrImagePull", self._field))
            self.waiting = ("ErrImagePull", result.error)
            self._then(self._say_pull_back_off, now + min(_UNTIL_BACK_OFF_IS_SAID, self._pull_pause() / 2))
            return
        took = f"{self._world.pull_s:.3f}s"
        text = f'Successfully pulled image "{image}" in {took} ({took} including waiting). '
        self._say(normal("Pulled", f"{text}Image size: {result.application.size} bytes.", self._field))
        self._pull_failures = 0
        self._images.add(image)
        self._then(self._create, now)

    def _pull_pause(self) -> timedelta:
        return timedelta(seconds=back_off_s(self._pull_failures))

    def _say_pull_back_off(self, _pod: KubeObject, now: datetime) -> None:
        image = self.spec.text("image")
        self._say(normal("BackOff", f'Back-off pulling image "{image}"', self._field))
        self._say(warning("Failed", "Error: ImagePullBackOff", self._field))
        self.waiting = ("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {self._pull_error}')
        self._then(self._pull, now + self._pull_pause())

    def _create(self, pod: KubeObject, now: datetime) -> None:
        application = self._world.images.get(self.spec.text("image"), Application())
        try:
            configuration = self._configurations.configure(pod, self.spec)
        except Missing as missing:
            self.waiting = ("CreateContainerConfigError", str(missing))
            self.terminated = None
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
        self.terminated = None
        if self.run.ending and self.run.ending.start_error:
            self._fail_start(self.run.ending.start_error, now)
            return
        self._say(normal("Started", f"Started container {self.name}", self._field))
        self.started = now
        self.log.add(now, *self.run.lines)
        named = {port.text("name"): port.integer("containerPort") for port in self.spec.trees("ports")}
        self.probes = {
            kind: Probe(self.spec.tree(kind), named, now)
            for kind in ("startupProbe", "livenessProbe", "readinessProbe")
            if self.spec.has(kind)
        }
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
        self.started = None
        self.terminated = self._ended(128, "StartError", now, now)
        self.terminated["message"] = error
        self.terminated["startedAt"] = "1970-01-01T00:00:00Z"
        self._after_end(now)

    def _end(self, _pod: KubeObject, now: datetime) -> None:
        ending = self.run.ending if self.run else None
        if ending is None or self.started is None:
            self.due = None
            return
        self.log.add(now, *ending.lines)
        self.terminated = self._ended(ending.exit_code, ending.reason, self.started, now)
        self._after_end(now)

    def kill(self, reason: str, now: datetime) -> None:
        """Stops the process for a failed liveness probe or a misfortune."""
        if self.started is None:
            return
        self.terminated = self._ended(KILLED, reason, self.started, now)
        self._after_end(now)

    def dismiss(self, now: datetime) -> None:
        """Stops the process for good: its pod has done its work."""
        if self.running and self.started is not None:
            self.terminated = self._ended(0, "Completed", self.started, now)
        self.probes = {}
        self._then(self._end, None)

    def outgrow(self, now: datetime) -> None:
        """Ends the process within seconds for want of memory, unless its end is planned already."""
        if self.run is not None and self.run.ending is None:
            self.run = replace(self.run, ending=Ending(0, KILLED, "OOMKilled"))
            self._then(self._end, now + timedelta(seconds=2))

    def strike(self, exit_code: int, lines: tuple[str, ...], now: datetime) -> None:
        """Ends the process from within."""
        if self.running and self.started is not None:
            self.log.add(now, *lines)
            self.terminated = self._ended(exit_code, "Error", self.started, now)
            self._after_end(now)

    def _ended(self, code: int, reason: str, started: datetime, now: datetime) -> JsonObject:
        return {
            "containerID": self.container_id,
            "exitCode": code,
            "finishedAt": stamp(now),
            "reason": reason,
            "startedAt": stamp(started),
        }

    def _after_end(self, now: datetime) -> None:
        ran_s = (now - self.started).total_seconds() if self.started else 0.0
        self.probes = {}
        self._crashes = 0 if ran_s > _CALM_S else self._crashes
        policy = self._policy
        if policy == "Never" or (policy == "OnFailure" and self.succeeded):
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
        self.waiting = ("CrashLoopBackOff", f"back-off {shown} restarting failed container={self.name} pod={whole}")
        self.last, self.terminated, self.started = self.terminated, None, None
        self._then(self._restart, now + timedelta(seconds=pause))

    def _restart(self, pod: KubeObject, now: datetime) -> None:
        self.last = self.terminated or self.last
        self.restarts += 1
        self._recreate(pod, now)

    def _asked(self) -> Iterator[tuple[str, Probe]]:
        startup = self.probes.get("startupProbe")
        if startup is not None and not startup.passed:
            yield "startupProbe", startup
            return
        for kind in ("livenessProbe", "readinessProbe"):
            if kind in self.probes:
                yield kind, self.probes[kind]

    def _ask_probes(self, now: datetime) -> None:
        if not self.running:
            return
        misfortune = self._world.struck(self.spec.text("image"), now)
        sick = misfortune.paths if misfortune is not None and misfortune.exit_code is None else frozenset[str]()
        target = Target(self._address, self._listeners(now), sick)
        for kind, probe in list(self._asked()):
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
