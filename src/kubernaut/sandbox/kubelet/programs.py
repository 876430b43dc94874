"""What a program does once it is started with this spec and configuration: runs, or ends, and says so in its log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from kubernaut.domain.objects import Tree
from kubernaut.domain.quantities import amount
from kubernaut.sandbox.applications import MEBIBYTE, Application, Listener, Misfortune
from kubernaut.sandbox.kubelet.configuration import Configuration

KILLED = 137
_NEVER_STARTED = 128


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How and when a run ends; `start_error` is the runtime's text where the process never ran."""

    after_s: float
    exit_code: int
    reason: str
    lines: tuple[str, ...] = ()
    start_error: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A started program: its first log lines, its open ports after `startup_s`, and how it ends."""

    lines: tuple[str, ...]
    startup_s: float
    listeners: tuple[Listener, ...]
    ending: RunEnd | None

    def listening(self, started: datetime, now: datetime) -> tuple[Listener, ...]:
        """The ports that are open."""
        return self.listeners if now >= started + timedelta(seconds=self.startup_s) else ()


def start_program(
    application: Application,
    container: Tree,
    configuration: Configuration,
    *,
    taken_ports: frozenset[int],
    misfortune: Misfortune | None,
) -> Run:
    """What becomes of the start."""
    ending = (
        _wrong_command(application, container)
        or _wrong_flag(application, container)
        or _missing_setting(application, configuration)
        or _not_writable(application, container)
        or _not_reached(application, configuration)
        or _port_taken(application, taken_ports)
        or _out_of_memory(application, container)
        or _struck(misfortune)
        or _finished(application)
    )
    shown = () if ending and ending.start_error else application.greeting
    return Run(shown, application.startup_s, application.listeners, ending)


def _wrong_command(application: Application, container: Tree) -> RunEnd | None:
    command = container.texts("command")
    if not command or command[0] in application.commands:
        return None
    text = (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        f'unable to start container process: error during container init: exec: "{command[0]}": '
        "executable file not found in $PATH"
    )
    return RunEnd(0, _NEVER_STARTED, "StartError", start_error=text)


def _wrong_flag(application: Application, container: Tree) -> RunEnd | None:
    if application.flags is None:
        return None
    for argument in [*container.texts("command")[1:], *container.texts("args")]:
        name = argument.split("=", 1)[0]
        if name.startswith("-") and name not in application.flags:
            lines = (f"Error: unknown flag: {name}", "Run with --help for usage.")
            return RunEnd(0.4, 1, "Error", lines)
    return None


def _missing_setting(application: Application, configuration: Configuration) -> RunEnd | None:
    for name in application.required_env:
        if not configuration.env.get(name):
            lines = (f'level=error msg="configuration invalid" err="environment variable {name} is not set"',)
            return RunEnd(0.6, 1, "Error", lines)
    for path in application.required_files:
        if path not in configuration.files:
            lines = (f'level=fatal msg="cannot read configuration" err="open {path}: no such file or directory"',)
            return RunEnd(0.6, 1, "Error", lines)
    return None


def _not_writable(application: Application, container: Tree) -> RunEnd | None:
    path = application.writes
    mounted = any(path.startswith(mount.text("mountPath")) for mount in container.trees("volumeMounts"))
    if not path or mounted or not container.flag("securityContext", "readOnlyRootFilesystem"):
        return None
    return RunEnd(0.5, 1, "Error", (f'level=fatal msg="cannot start" err="mkdir {path}: read-only file system"',))


def _not_reached(application: Application, configuration: Configuration) -> RunEnd | None:
    for name in application.calls:
        why = configuration.call(configuration.env.get(name, ""))
        if why:
            line = f'level=fatal msg="dependency not reached" variable={name} err="{why}"'
            return RunEnd(3.0, 1, "Error", (line,))
    return None


def _port_taken(application: Application, taken: frozenset[int]) -> RunEnd | None:
    for listener in application.listeners:
        if listener.port in taken:
            text = f"listen tcp :{listener.port}: bind: address already in use"
            return RunEnd(0.8, 1, "Error", (f'level=fatal msg="cannot serve" err="{text}"',))
    return None


def memory_limit(container: Tree) -> Decimal:
    """The memory limit in bytes, 0 where there is none."""
    return amount(container.at("resources", "limits", "memory"))


def _out_of_memory(application: Application, container: Tree) -> RunEnd | None:
    limit = memory_limit(container)
    if not limit or application.working_set <= limit:
        return None
    # The working set grows while the program starts, so a tighter limit is hit sooner.
    after = application.startup_s + 4.0 * float(limit) / application.working_set
    shown = f'level=info msg="warming cache" resident_mib={int(limit // MEBIBYTE)}'
    return RunEnd(after, KILLED, "OOMKilled", (shown,))


def _struck(misfortune: Misfortune | None) -> RunEnd | None:
    if misfortune is None or misfortune.exit_code is None:
        return None
    return RunEnd(misfortune.after_s, misfortune.exit_code, "Error", misfortune.lines)


def _finished(application: Application) -> RunEnd | None:
    if application.runs_for_s is None:
        return None
    return RunEnd(application.runs_for_s, 0, "Completed", ('level=info msg="done"',))
