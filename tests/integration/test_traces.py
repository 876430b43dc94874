"""Spans as a collector gets them: over HTTP, decoded with OpenTelemetry's own protocol buffers."""

from __future__ import annotations

import gzip
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kubernaut.domain.errors import SettingsError
from kubernaut.domain.incidents import IncidentId
from kubernaut.ports import Place, Span
from kubernaut.settings import TracesSettings
from tests.examples import NOON

pytest.importorskip("opentelemetry.sdk", reason="the extra traces is not installed")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from kubernaut.adapters.traces.opening import open_tracer
from kubernaut.adapters.traces.otlp import OtlpTracer, Patience

SOURCE = Path(__file__).resolve().parents[2] / "src"
INCIDENT = IncidentId("inc-4f7k")
LATER = NOON + timedelta(seconds=2, microseconds=5)


class Collector(ThreadingHTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiving)
        self.requests: list[ExportTraceServiceRequest] = []
        self.paths: list[str] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"

    @property
    def spans(self) -> list[trace_pb2.Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class Receiving(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.paths.append(self.path)
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def a_way() -> list[Span]:
    return [
        Span(INCIDENT, Place.ALERT, "alert", NOON, LATER),
        Span(INCIDENT, Place.BELOW_ALERT, "triage", NOON, LATER),
        Span(INCIDENT, Place.BELOW_INCIDENT, "plan", NOON, LATER, {"kubernaut.decision": "act"}),
        Span(INCIDENT, Place.BELOW_INCIDENT, "apply", NOON, LATER, error="ClusterUnavailable"),
        Span(INCIDENT, Place.INCIDENT, "incident", NOON, LATER, {"kubernaut.ending": "healed"}),
    ]


async def sent(collector: Collector, *replicas: str) -> list[trace_pb2.Span]:
    for replica in replicas:
        tracer = OtlpTracer(collector.endpoint, version="1", replica=replica)
        for span in a_way():
            tracer.record(span)
        await tracer.aclose()
    return collector.spans


async def test_a_collector_gets_one_trace_with_each_span_in_its_place(collector: Collector) -> None:
    alert, triage, plan, apply, incident = await sent(collector, "a")

    assert collector.paths == ["/v1/traces"]
    assert {span.trace_id for span in (alert, triage, plan, apply, incident)} == {
        sha256(INCIDENT.encode()).digest()[:16]
    }
    assert alert.parent_span_id == b""
    assert triage.parent_span_id == incident.parent_span_id == alert.span_id
    assert plan.parent_span_id == apply.parent_span_id == incident.span_id
    assert alert.end_time_unix_nano - alert.start_time_unix_nano == 2_000_005_000
    assert (apply.status.code, apply.status.message) == (trace_pb2.Status.STATUS_CODE_ERROR, "ClusterUnavailable")
    told = {attribute.key: attribute.value.string_value for attribute in plan.attributes}
    assert told == {"kubernaut.incident": INCIDENT, "kubernaut.decision": "act"}


async def test_two_replicas_write_into_the_same_trace(collector: Collector) -> None:
    spans = await sent(collector, "a", "b")

    assert len({span.trace_id for span in spans}) == 1
    assert len({span.span_id for span in spans if span.name == "incident"}) == 1
    assert len({span.span_id for span in spans if span.name == "plan"}) == 2
    replicas = {
        attribute.value.string_value
        for request in collector.requests
        for resource in request.resource_spans
        for attribute in resource.resource.attributes
        if attribute.key == "service.instance.id"
    }
    assert replicas == {"a", "b"}


async def test_a_collector_that_is_not_there_holds_nobody_up() -> None:
    # A port that nobody listens on; the queue is smaller than what is told.
    tracer = OtlpTracer("http://127.0.0.1:9/v1/traces", version="1", replica="a", patience=Patience(60, 0.2, 600))
    for _ in range(300):
        for span in a_way():
            tracer.record(span)
    await tracer.aclose()


async def test_without_an_endpoint_there_is_no_tracer() -> None:
    async with AsyncExitStack() as closing:
        assert open_tracer(TracesSettings(), "a", closing) is None


def test_opentelemetry_is_imported_by_one_module_that_is_imported_where_an_endpoint_is_set() -> None:
    named = {path.name for path in SOURCE.rglob("*.py") if "opentelemetry." in path.read_text(encoding="utf-8")}
    at_the_top = re.compile(r"^(from|import) kubernaut\.adapters\.traces\.otlp", re.MULTILINE)
    importing = [path.name for path in SOURCE.rglob("*.py") if at_the_top.search(path.read_text(encoding="utf-8"))]

    assert named == {"otlp.py"}
    assert importing == []


async def test_an_endpoint_without_the_extra_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernaut.adapters.traces.otlp", None)
    async with AsyncExitStack() as closing:
        with pytest.raises(SettingsError) as refused:
            open_tracer(TracesSettings(endpoint="http://127.0.0.1:4318/v1/traces"), "a", closing)
    assert refused.value.help == "pip install 'kubernaut[traces]'"
