"""A place of its own for the node's programs: mount, network and process namespaces under one first process.

Ending that process ends everything inside, and the kernel then takes away the mounts, the interfaces, the
bridge and the packet filter rules. Nothing has to be undone by hand, even after a `kill -9` of the tests:
the first process is told by the kernel when its parent dies.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.processes import CommandFailed, run, start, wait_until
from tests.cluster.programs import need_program

_CGROUPS = Path("/sys/fs/cgroup")

# An ignored SIGCHLD survives exec: the kernel then buries orphans, so `sleep` may be the first process.
_FIRST_PROCESS = """
set -e
mount -t tmpfs tmpfs /run
mount --bind "$1/var-lib" /var/lib
mount --bind "$1/var-log" /var/log
resolv=$(readlink -f /etc/resolv.conf)
mkdir -p "$(dirname "$resolv")"
[ -e "$resolv" ] || : > "$resolv"
mount --bind "$1/resolv.conf" "$resolv"
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
trap '' CHLD
exec sleep infinity
"""


@dataclass(frozen=True)
class Link:
    """The cable between the machine and the node: one end here, one inside."""

    name: str
    outside: str
    inside: str


@dataclass(frozen=True)
class Namespaces:
    first_process: int

    def entering(self, command: Sequence[str]) -> list[str]:
        """The command line that runs the command inside."""
        target = ["nsenter", "--target", str(self.first_process), "--mount", "--net", "--pid", "--"]
        # Programs unpacked beside each other find each other by PATH.
        folders = {str(need_program(name).parent) for name in ("containerd", "runc", "iptables")}
        path = ":".join([*sorted(folders), "/usr/sbin", "/usr/bin", "/sbin", "/bin"])
        return [*target, "env", f"PATH={path}", *command]


@contextlib.contextmanager
def namespaces(folder: Path, link: Link) -> Iterator[Namespaces]:
    """Namespaces with the inner end of the link in them; `/var/lib`, `/var/log` and `/run` are private."""
    for name in ("var-lib", "var-log"):
        (folder / name).mkdir(parents=True)
    (folder / "resolv.conf").write_text(f"nameserver {link.outside}\noptions timeout:1 attempts:1\n")
    unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    child = start("namespaces", [*unshare, "sh", "-c", _FIRST_PROCESS, "sh", str(folder)], folder / "logs")
    try:
        first = wait_until("the namespaces are made", lambda: _settled_child(child.popen.pid), child=child)
        inside = Namespaces(first)
        _plug_in(link, first)
        yield inside
    finally:
        child.stop()


def _settled_child(parent: int) -> int | None:
    """The first process, once it has made its mounts and become `sleep`."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    if not children or Path(f"/proc/{children[0]}/comm").read_text().strip() != "sleep":
        return None
    return int(children[0])


def _plug_in(link: Link, first_process: int) -> None:
    run(["ip", "link", "set", link.name, "netns", str(first_process), "name", "eth0"])
    inside = ["nsenter", "--target", str(first_process), "--net", "ip"]
    run([*inside, "address", "add", f"{link.inside}/30", "dev", "eth0"])
    run([*inside, "link", "set", "eth0", "up"])
    run([*inside, "route", "add", "default", "via", link.outside])


@contextlib.contextmanager
def link() -> Iterator[Link]:
    """A free cable. Its addresses are of the range kept for tests of networks (RFC 2544)."""
    cable = _first_free_link()
    try:
        run(["ip", "address", "add", f"{cable.outside}/30", "dev", _outer(cable)])
        run(["ip", "link", "set", _outer(cable), "up"])
        yield cable
    finally:
        with contextlib.suppress(CommandFailed):  # it goes with the network namespace
            run(["ip", "link", "delete", _outer(cable)])


def _outer(cable: Link) -> str:
    return f"{cable.name}o"


def _first_free_link() -> Link:
    refusal = ""
    for number in range(64):
        cable = Link(f"kn{number}", f"198.18.{number}.1", f"198.18.{number}.2")
        try:
            run(["ip", "link", "add", _outer(cable), "type", "veth", "peer", "name", cable.name])
        except CommandFailed as error:
            refusal = str(error)
            if "File exists" not in refusal:
                break
        else:
            return cable
    raise CommandFailed(refusal)


@contextlib.contextmanager
def control_group(name: str) -> Iterator[str]:
    """A control group of that name in every hierarchy; it must be empty when this ends."""
    hierarchies = [_CGROUPS] if (_CGROUPS / "cgroup.controllers").exists() else sorted(_CGROUPS.iterdir())
    groups = [hierarchy / name for hierarchy in hierarchies if hierarchy.is_dir()]
    for group in groups:
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # version 1 starts a set empty
            if group.parent.name == "cpuset":
                (group / setting).write_text((group.parent / setting).read_text())
    try:
        yield f"/{name}"
    finally:
        for group in groups:
            _remove_tree(group)


def _remove_tree(group: Path) -> None:
    """Removes a control group and those in it; the kernel needs a moment after the last process."""
    ends = time.monotonic() + 10
    while group.exists():
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        if time.monotonic() > ends:
            raise TimeoutError(f"{group} is still in use")
        time.sleep(0.05)
