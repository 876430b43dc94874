"""The address to listen on; where it is taken, the command line that would work."""

from __future__ import annotations

import socket

from kubernaut.domain.errors import PortTaken
from kubernaut.entrypoints.http.listening import listen


def listening(host: str, port: int, *, command: str) -> socket.socket:
    """A listening socket. Raises `PortTaken` with a command that works as printed."""
    try:
        return listen(host, port)
    except PortTaken as error:
        free = error.help.removesuffix(" is free")
        if free == error.help:
            raise
        raise PortTaken(str(error), help=f"{command} {free}") from error
