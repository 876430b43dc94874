"""Probes: asked on their own timers, with thresholds, against what the program really listens on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.objects import Json, Tree
from kubernaut.sandbox.applications import Listener

_SHORTEST = 200
_REDIRECTED = 400


@dataclass(frozen=True, slots=True)
class Target:
    """What a probe meets: the pod's address, the open ports, and the paths that answer 503 now."""

    address: str
    listeners: Sequence[Listener]
    refusing: frozenset[str] = frozenset()


class Probes:
    """The probes of one run of a container; it has none while it does not run."""

    def __init__(self, spec: Tree, started: datetime) -> None:
        named = {port.text("name"): port.integer("containerPort") for port in spec.trees("ports")}
        kinds = ("startupProbe", "livenessProbe", "readinessProbe")
        self._probes = {kind: Probe(spec.tree(kind), named, started) for kind in kinds if spec.has(kind)}

    def has_passed(self, kind: str) -> bool:
        """Whether the probe of that kind passed, or nothing asks for one."""
        probe = self._probes.get(kind)
        return probe is None or probe.passed

    def asked(self) -> dict[str, Probe]:
        """The probes that are asked now: until the startup probe has passed, no other is."""
        if not self.has_passed("startupProbe"):
            return {"startupProbe": self._probes["startupProbe"]}
        return {kind: probe for kind, probe in self._probes.items() if kind != "startupProbe"}

    def next_due(self) -> datetime | None:
        """When one has to be asked again."""
        return min((probe.due for probe in self.asked().values()), default=None)


class Probe:
    """One probe of one run of a container."""

    def __init__(self, spec: Tree, named_ports: dict[str, int], started: datetime) -> None:
        self.spec = spec
        self._named = named_ports
        self.passed = False
        self.failed = False
        self.due = started + timedelta(seconds=spec.integer("initialDelaySeconds"))
        self._successes = 0
        self._failures = 0

    def ask(self, target: Target, now: datetime) -> str:
        """Asks once and counts; gives what failed, empty where it passed."""
        output = self._output(target)
        if self.unanswerable:
            pass
        elif output:
            self._failures, self._successes = self._failures + 1, 0
            if self._failures >= self.spec.integer("failureThreshold", default=3):
                self.passed, self.failed = False, True
        else:
            self._successes, self._failures = self._successes + 1, 0
            if self._successes >= self.spec.integer("successThreshold", default=1):
                self.passed, self.failed = True, False
        self.due = now + timedelta(seconds=max(1, self.spec.integer("periodSeconds", default=10)))
        return output

    @property
    def unanswerable(self) -> str:
        """Why it cannot even be asked: its container declares no port of that name."""
        for kind in ("httpGet", "tcpSocket"):
            value = self.spec.at(kind, "port")
            if isinstance(value, str) and value not in self._named and not value.isdigit():
                return f'strconv.Atoi: parsing "{value}": invalid syntax'
        return ""

    def _port(self, value: Json) -> int:
        if isinstance(value, int):
            return value
        return self._named.get(value, 0) if isinstance(value, str) else 0

    def _output(self, target: Target) -> str:
        for kind in ("httpGet", "tcpSocket", "grpc"):
            if not self.spec.has(kind):
                continue
            port = self._port(self.spec.at(kind, "port"))
            listener = next((each for each in target.listeners if each.port == port), None)
            if kind == "httpGet":
                return self._http(target, listener, port)
            if listener is None:
                place = f"{target.address}:{port}"
                if kind == "grpc":
                    return f'timeout: failed to connect service "{place}" within 1s: context deadline exceeded'
                return f"dial tcp {place}: connect: connection refused"
        return ""

    def _http(self, target: Target, listener: Listener | None, port: int) -> str:
        path = self.spec.text("httpGet", "path") or "/"
        url = f"{self.spec.text('httpGet', 'scheme').lower() or 'http'}://{target.address}:{port}{path}"
        if listener is None:
            return f'Get "{url}": dial tcp {target.address}:{port}: connect: connection refused'
        if listener.protocol != "http":
            return f'Get "{url}": net/http: HTTP/1.x transport connection broken: malformed HTTP response'
        plain = path.split("?", 1)[0]
        status = 503 if plain in target.refusing else 200 if plain in listener.paths else 404
        return "" if _SHORTEST <= status < _REDIRECTED else f"HTTP probe failed with statuscode: {status}"
