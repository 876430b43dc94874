"""Programs as children: each in a process group of its own, ended by its id, its output in a file."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")


class CommandFailed(Exception):
    """A command ended with an error; the text holds the command and what it said."""


class NotReached(Exception):
    """What was waited for did not come in time; the text says what was seen last."""


def run(command: Sequence[str], *, stdin: str = "", within_s: float = 60) -> str:
    """What the command printed."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=within_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)}: not done within {within_s:g} s") from error
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip()
        raise CommandFailed(f"{' '.join(command)}: exit {done.returncode}: {said}")
    return done.stdout


@dataclass
class Child:
    """A program that runs until `stop`."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def is_running(self) -> bool:
        return self.popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Sends the signal to the program and to all in its process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def stop(self) -> None:
        """Ends the program at once: nothing of the bed outlives it, so nothing needs a farewell."""
        # Children first: a wrapper (nsenter, unshare) then buries its own and ends with it.
        for child in _children_of(self.popen.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.popen.wait(timeout=5)
        self.signal(signal.SIGKILL)
        self.popen.wait(timeout=30)

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _children_of(process: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []


def start(name: str, command: Sequence[str], logs: Path) -> Child:
    """The started program. It is killed with its parent thread, so call this from one that stays."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("ab") as output:
        popen = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(name, popen, log)


def wait_until(
    what: str, probe: Callable[[], _T | None], *, within_s: float = 60, every_s: float = 0.1, child: Child | None = None
) -> _T:
    """The first answer of the probe that is neither None nor False."""
    ends = time.monotonic() + within_s
    while True:
        answer = probe()
        if answer is not None and answer is not False:
            return answer
        if child is not None and not child.is_running():
            raise NotReached(f"{what}: {child.name} ended: {child.last_words()}")
        if time.monotonic() > ends:
            seen = f"\n{child.last_words()}" if child else ""
            raise NotReached(f"{what}: not within {within_s:g} s{seen}")
        time.sleep(every_s)


def accepts(host: str, port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((host, 0))
        return [each.getsockname()[1] for each in sockets]
