"""Tickets as engineers write them: what kubectl prints of a generated system, under the commands that were typed.

What is asked follows the alert and what the lists show, never the fault: a ticket is written as somebody would who
does not know yet what is wrong. Prompts, colours, line ends and the words around the commands are drawn.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.diagnosis.system import System
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.sandbox.kinds import POD
from tests.cluster.programs import ProgramMissing, find_kubernetes

STYLES = ("short", "wide", "thorough", "dump")
_OWNERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})
_ALL_KINDS = "deploy,sts,ds,rs,po,job,cj,svc,ep,cm,pvc,hpa,pdb,ing,netpol,quota,limits,sa"
_WORDS = (
    "Hi, this one is not well since a while, see below.",
    "Customer reports timeouts. Nothing was deployed by us today, as far as I know.",
    "Took over from the night shift, output so far:",
    "",
)
_PROMPTS = ("$ ", "ops@bastion:~$ ", "[root@jump-1 ~]# ", "# ", "me@laptop ~ % ", "\u276f ", "$ ", "> ")
_PATIENCE_S = 60
_AT_ONCE = 4
# What `cluster-info dump` lists whole, of every namespace.
_DUMPED = ("get events,rc,svc,ds,deploy,rs,po -A", "get nodes")
_OTHERS = ("date", "kubectx", "uptime", "cat notes.txt")


def kubectl_command() -> tuple[str, ...]:
    """The first words of a call of kubectl: the one that is installed, or the one of the tests' cluster."""
    installed = shutil.which("kubectl")
    return (installed,) if installed else find_kubernetes().command("kubectl")


def why_no_kubectl() -> str:
    """Why no ticket can be written here, empty where it can."""
    try:
        kubectl_command()
    except ProgramMissing as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What to hand to `diagnose --snapshot`, the whole text of it, and the commands whose output it is."""

    style: str
    path: Path
    text: str
    commands: tuple[str, ...]


@dataclass(slots=True)
class Writer:
    """Writes the tickets of one system, which is being served; logs come from where kubelets are.

    The commands run side by side, for kubectl itself waits between its calls; one that several tickets show runs once.
    """

    system: System
    about: ObjectRef
    kubeconfig: Path
    of_logs: Path
    folder: Path
    draw: random.Random
    printed: dict[str, str] = field(default_factory=dict)

    async def write(self) -> list[Ticket]:
        """A ticket in each style."""
        asked = {"short": self._short(), "wide": self._wide(), "thorough": self._thorough()}
        dumped = self.folder / "dump"
        dumped.mkdir(parents=True, exist_ok=True)
        dump = f"cluster-info dump --all-namespaces --output-directory {dumped}"
        commands = dict.fromkeys((dump, *(command for several in asked.values() for command in several)))
        gate = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for command in commands:
                group.create_task(self._print(command, gate))
        tickets = [self._written(style, several) for style, several in asked.items()]
        text = "\n".join(path.read_text() for path in sorted(dumped.rglob("*")) if path.is_file())
        return [*tickets, Ticket("dump", dumped, text, _DUMPED)]

    def _written(self, style: str, commands: list[str]) -> Ticket:
        prompt = self.draw.choice(_PROMPTS)
        parts = [self.draw.choice(_WORDS)]
        for command in commands:
            if self.draw.random() < 0.1:  # noqa: PLR2004  # now and then
                parts.append(f"{prompt}{self.draw.choice(_OTHERS)}\nSun Nov 29 12:12:05 UTC 2026")
            parts.append(f"{prompt}kubectl {command}\n{self.printed[command]}".rstrip("\n"))
        text = "\n".join(parts) + "\n"
        path = self.folder / f"{style}.txt"
        path.write_bytes(self._dressed(text).encode())
        return Ticket(style, path, text, tuple(commands))

    def _dressed(self, text: str) -> str:
        if self.draw.random() < 0.2:  # noqa: PLR2004  # some terminals colour their prompts
            text = text.replace("kubectl ", "\x1b[1;32mkubectl\x1b[0m ")
        return text.replace("\n", "\r\n") if self.draw.random() < 0.2 else text  # noqa: PLR2004  # Windows

    async def _print(self, command: str, gate: asyncio.Semaphore) -> None:
        words = command.split()
        config = self.of_logs if words[0] in ("logs", "cluster-info") else self.kubeconfig
        whole = (*kubectl_command(), "--kubeconfig", str(config), *words)
        environment: Mapping[str, str] = {"HOME": str(self.of_logs.parent), "PATH": "/usr/bin:/bin"}
        pipe = asyncio.subprocess.PIPE
        async with gate:
            process = await asyncio.create_subprocess_exec(
                *whole, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=asyncio.subprocess.STDOUT
            )
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    printed, _ = await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()
                raise TimeoutError(f"kubectl {command} gave no answer within {_PATIENCE_S} s") from None
        self.printed[command] = printed.decode(errors="replace")

    def _short(self) -> list[str]:
        place = self._place
        commands = [f"get pods{place}"] if place else ["get pods -A"]
        pod = self._suspect()
        if self.about.kind not in _OWNERS | {"Pod"}:
            word, name = self.about.kind.lower(), self.about.name
            commands += [f"get {word}{place}", f"describe {word} {name}{place}"]
            if self.about.kind == "Service":
                commands.append(f"get endpoints {name}{place}")
        elif pod is None or _is_ready(pod):
            commands += [f"get deploy,rs,sts,ds,job{place}", f"get events{place}"]
            commands.append(f"describe {self.about.kind.lower()} {self.about.name}{place}")
        return commands + (self._of_pod(pod) if pod else [])

    def _wide(self) -> list[str]:
        place = self._place or " -A"
        commands = [f"get all -o wide{place}", f"get events{place} --sort-by=.lastTimestamp", "get nodes -o wide"]
        commands.append(f"describe {self.about.kind.lower()} {self.about.name}{self._place}")
        pod = self._suspect()
        return commands + (self._of_pod(pod) if pod else [])

    def _thorough(self) -> list[str]:
        place = self._place or " -A"
        commands = [f"get {_ALL_KINDS}{place} -o yaml", "get nodes,ns,pv,sc -o yaml", f"get secrets{place}"]
        commands.append(f"get events{place} -o yaml")
        pod = self._suspect()
        return commands + (self._of_pod(pod)[1:] if pod else [])

    @property
    def _place(self) -> str:
        return f" -n {self.about.namespace}" if self.about.namespace else ""

    def _of_pod(self, pod: KubeObject) -> list[str]:
        place = f"-n {pod.namespace}"
        commands = [f"describe pod {pod.name} {place}"]
        statuses = pod.trees("status", "containerStatuses")
        if any(status.integer("restartCount") for status in statuses):
            commands.append(f"logs {pod.name} {place} --previous")
        elif any(status.has("state", "running") for status in statuses):
            commands.append(f"logs {pod.name} {place} --tail=40")
        return commands

    def _suspect(self) -> KubeObject | None:
        """The pod that looks worst in the list, one of the alert's object where there is one."""
        pods = self.system.cluster.storage.views(POD, self.about.namespace or self.system.namespace)
        own = [pod for pod in pods if pod.name.startswith(self.about.name)]
        ranked = sorted(own or pods, key=lambda pod: (_is_ready(pod), -_restarts(pod), pod.name))
        return ranked[0] if ranked and (own or not _is_ready(ranked[0])) else None


def _is_ready(pod: KubeObject) -> bool:
    state = pod.condition("Ready")
    return state is not None and state.text("status") == "True"


def _restarts(pod: KubeObject) -> int:
    return sum(status.integer("restartCount") for status in pod.trees("status", "containerStatuses"))
