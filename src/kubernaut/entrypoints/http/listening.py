"""Taking an address to listen on, or saying who has it."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from pathlib import Path

from kubernaut.domain.errors import PortTaken

# Connections that the kernel holds while the loop is busy; beyond them senders see a time-out and not a refusal.
_BACKLOG = 1024
_TRIED = 50
# TCP_LISTEN in the kernel's tables, where numbers are in hexadecimal.
_LISTENING = "0A"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises `PortTaken` with the holder and a port that is free."""
    try:
        return _bound(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            holder = port_holder(port)
            raise PortTaken(
                f"port {port} is in use" + (f" ({holder})" if holder else ""), help=_offer(host, port)
            ) from error
        reason = error.strerror or str(error)
        raise PortTaken(f"cannot listen on {host}:{port}: {reason}", help="choose another --host or --port") from error


def port_holder(port: int) -> str:
    """Who listens on the port, as `pid 4127, python3`; empty where this account cannot see it."""
    inodes = _listening_inodes(port)
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        # A process that ended meanwhile, or that belongs to another account, is not told about.
        with suppress(OSError):
            if any(_target(entry) in inodes for entry in (process / "fd").iterdir()):
                return f"pid {process.name}, {(process / 'comm').read_text().strip()}"
    return ""


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""  # closed since it was listed


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # A restart must not wait for the old connections to be forgotten.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    # asyncio wants a socket that never blocks.
    listener.settimeout(0)
    return listener


def _offer(host: str, port: int) -> str:
    for candidate in range(port + 1, min(port + _TRIED, 65_535) + 1):
        try:
            _bound(host, candidate).close()
        except OSError:
            continue
        return f"--port {candidate} is free"
    return "choose another --port"


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue  # no Linux, or no IPv6
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found
