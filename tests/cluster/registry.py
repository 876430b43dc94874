"""A registry of images, true to its protocol.

With it a pull that fails, fails for the genuine reason: the tag is not there, the repository wants
credentials, or no such host exists.
"""

import base64
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from threading import Thread

from tests.cluster.certificates import KeyPair
from tests.cluster.images import MANIFEST, Blobs, Image, build


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Answers requests from a thread until the block ends."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def registry(images: Sequence[Image], address: str, identity: KeyPair) -> Iterator[None]:
    """A registry with these images, over TLS on the usual port of the address."""
    server = _RegistryServer((address, 443), _RegistryRequest)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.stock = {(image.repository, image.tag): (image, build(image)) for image in images}
    with serving(server):
        yield


class _RegistryServer(ThreadingHTTPServer):
    stock: Mapping[tuple[str, str], tuple[Image, Blobs]]


class _RegistryRequest(BaseHTTPRequestHandler):
    """The reading half of the distribution protocol: manifests by tag or digest, and blobs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(*self._find(), with_body=True)

    def do_HEAD(self) -> None:
        self._answer(*self._find(), with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Keeps quiet: a failed pull is told by the kubelet."""

    def _find(self) -> tuple[int, str, bytes]:
        path = self.path.partition("?")[0].removeprefix("/v2/")
        for kind in ("/manifests/", "/blobs/"):
            repository, found, reference = path.rpartition(kind)
            if found:
                return self._find_in(repository, kind, reference)
        return 200, "application/json", b"{}"

    def _find_in(self, repository: str, kind: str, reference: str) -> tuple[int, str, bytes]:
        assert isinstance(self.server, _RegistryServer)
        shelf = {tag: entry for (name, tag), entry in self.server.stock.items() if name == repository}
        if not shelf:
            return _refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
        secret = next(iter(shelf.values()))[0].user_and_password
        if secret and self.headers.get("Authorization") != "Basic " + base64.b64encode(secret.encode()).decode():
            return _refusal(401, "UNAUTHORIZED", "authentication required")
        if kind == "/manifests/" and reference in shelf:
            return 200, MANIFEST, shelf[reference][1].manifest
        for _, blobs in shelf.values():
            if reference in blobs.contents:
                media_type = MANIFEST if kind == "/manifests/" else "application/octet-stream"
                return 200, media_type, blobs.contents[reference]
        return _refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")

    def _answer(self, status: int, media_type: str, body: bytes, *, with_body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _refusal(status: int, code: str, message: str) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps({"errors": [{"code": code, "message": message}]}).encode()
