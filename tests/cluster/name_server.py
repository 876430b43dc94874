"""A name server that knows a few names, the Services of the cluster once it runs, and is sure that no other exists."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingUDPServer
from urllib.parse import urlsplit

from tests.cluster.certificates import Authority
from tests.cluster.registry import serving

# A response, recursion wanted and available: without error, or NXDOMAIN.
_KNOWN, _NO_SUCH_NAME = 0x8180, 0x8183
_ADDRESS_RECORD = b"\0\1\0\1"  # type A, class IN
_POINTER_TO_QUESTION = b"\xc0\x0c"
_CLUSTER_DOMAIN = ["svc", "cluster", "local"]

# The address of the Service of that namespace and name, empty where it has none.
Services = Callable[[str, str], str]


class NameServer(ThreadingUDPServer):
    """`services` is set once there is an API server to ask."""

    names: Mapping[str, str]
    services: Services | None = None

    def address_of(self, name: str) -> str:
        parts = name.split(".")
        if self.services is not None and parts[2:] == _CLUSTER_DOMAIN:
            return self.services(parts[1], parts[0])
        return self.names.get(name, "")


@contextmanager
def name_server(address: str, names: Mapping[str, str]) -> Iterator[NameServer]:
    """Answers on port 53 of the address until the block ends."""
    server = NameServer((address, 53), _NameRequest)
    server.names = names
    with serving(server):
        yield server


def services_of(server: str, authority: Authority) -> Services:
    """Asks that API server each time: a Service is known as soon as it is made, and no longer than it is there."""
    pair = authority.issue("bed-names", organisation="system:masters")
    trust = ssl.create_default_context(cafile=str(authority.root.certificate))
    trust.load_cert_chain(pair.certificate, pair.key)

    def address(namespace: str, name: str) -> str:
        connection = http.client.HTTPSConnection(urlsplit(server).netloc, context=trust, timeout=5)
        try:
            connection.request("GET", f"/api/v1/namespaces/{namespace}/services/{name}")
            answer = connection.getresponse()
            found = json.load(answer) if answer.status == http.HTTPStatus.OK else {}
        except OSError:
            return ""
        finally:
            connection.close()
        given = found.get("spec", {}).get("clusterIP", "")
        return "" if given == "None" else given

    return address


class _NameRequest(BaseRequestHandler):
    def handle(self) -> None:
        query, answering = self.request
        end = query.find(b"\0", 12) + 1
        if len(query) < 12 or end == 0:
            return
        assert isinstance(self.server, NameServer)
        name, kind = query[12:end], query[end : end + 4]
        address = self.server.address_of(_spelt(name))
        code = _KNOWN if address else _NO_SUCH_NAME
        record = b""
        if address and kind == _ADDRESS_RECORD:
            packed = socket.inet_aton(address)
            record = _POINTER_TO_QUESTION + kind + struct.pack("!IH", 0, len(packed)) + packed
        # The question is sent back as it came, so that the asker knows which one is answered.
        header = query[:2] + struct.pack("!HHHHH", code, 1, 1 if record else 0, 0, 0)
        answering.sendto(header + name + kind + record, self.client_address)


def _spelt(question: bytes) -> str:
    """`3www7example0` as `www.example`."""
    parts, place = [], 0
    while place < len(question) and question[place]:
        length = question[place]
        parts.append(question[place + 1 : place + 1 + length].decode(errors="replace"))
        place += 1 + length
    return ".".join(parts).lower()
