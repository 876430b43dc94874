from __future__ import annotations

import os
import re
import socket

import pytest

from kubernaut.domain.errors import PortTaken
from kubernaut.entrypoints.http.listening import listen


def test_port_zero_is_any_free_port() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_taken_port_names_its_holder_and_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(PortTaken, match=f"port {port} is in use") as refusal:
            listen("127.0.0.1", port)

        assert f"pid {os.getpid()}, " in str(refusal.value)
        offered = re.search(r"--port (\d+) is free", refusal.value.help)
        assert offered is not None
        listen("127.0.0.1", int(offered[1])).close()


def test_an_address_that_is_not_ours_is_said_so() -> None:
    with pytest.raises(PortTaken, match="cannot listen on"):
        listen("192.0.2.1", 0)


def test_a_port_is_free_again_as_soon_as_its_listener_is_closed() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

    listen("127.0.0.1", port).close()
