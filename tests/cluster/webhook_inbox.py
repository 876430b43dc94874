"""A receiver of Alertmanager's webhook that keeps what it was told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.cluster.registry import serving


@dataclass(frozen=True)
class Alert:
    status: str  # firing or resolved
    labels: dict[str, str]


@dataclass
class Inbox:
    """The alerts received so far, in order."""

    url: str
    alerts: list[Alert] = field(default_factory=list)

    def has(self, status: str, **labels: str) -> bool:
        """Whether an alert of that status with at least these labels has come."""
        return any(each.status == status and labels.items() <= each.labels.items() for each in self.alerts)


class _InboxServer(ThreadingHTTPServer):
    inbox: Inbox


class _Delivery(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _InboxServer)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.inbox.alerts += [Alert(each["status"], each["labels"]) for each in body["alerts"]]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Keeps quiet: the test looks into the inbox."""


@contextmanager
def webhook_inbox() -> Iterator[Inbox]:
    """An inbox that takes deliveries until the block ends."""
    server = _InboxServer(("127.0.0.1", 0), _Delivery)
    server.inbox = Inbox(f"http://127.0.0.1:{server.server_port}/")
    with serving(server):
        yield server.inbox
