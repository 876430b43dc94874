"""An address to listen on, or the reason why not, with who has it and one that is free."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from kubernaut.domain.errors import PortTaken

_ATTEMPTS = 20
_LISTENING = "0A"


def listen(host: str, port: int, *, command: str) -> socket.socket:
    """A listening socket. Raises `PortTaken` with the command line that would work."""
    try:
        return _bound(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}", help=f"{command} --port 0") from error
        holder = _holder(port)
        free = _free_after(host, port)
        raise PortTaken(
            f"port {port} is in use{f' ({holder})' if holder else ''}",
            help=f"{command} --port {free}        {free} is free",
        ) from error


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _free_after(host: str, port: int) -> int:
    for candidate in [*range(port + 1, min(port + _ATTEMPTS, 65_536)), 0]:
        try:
            listener = _bound(host, candidate)
        except OSError:
            continue
        with listener:
            return int(listener.getsockname()[1])
    return 0


def _holder(port: int) -> str:
    """`pid 4127, python3`, as far as this account may see it; empty otherwise."""
    inodes = _listening_inodes(port)
    for process in sorted(Path("/proc").glob("[0-9]*")):
        try:
            links = {link.readlink().name for link in (process / "fd").iterdir()}
            name = (process / "comm").read_text(encoding="utf-8").strip()
        except OSError:
            continue
        if links & inodes:
            return f"pid {process.name}, {name}"
    return ""


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{columns[9]}]")
    return found
