"""The product as its users run it: `kubernaut serve` as a program of its own, spoken to over HTTP alone."""

import http.client
import json
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from kubernaut.domain.objects import KubeObject, Tree
from tests.cluster.cluster import Cluster
from tests.cluster.processes import Child, NotReached, free_ports, start, wait_until

MANAGED: Final = {"kubernaut.ai/managed": "true"}
FIELD_MANAGER: Final = "kubernaut"
WEBHOOK: Final = "/api/v1/alerts/alertmanager"


@dataclass(frozen=True)
class Story:
    """An incident with all that happened to it."""

    incident: Tree
    events: tuple[Tree, ...]

    @property
    def ending(self) -> str:
        return self.incident.text("ending")

    def bodies(self, kind: str) -> list[Tree]:
        return [event.tree("body") for event in self.events if event.text("kind") == kind]

    def last(self, kind: str) -> Tree:
        bodies = self.bodies(kind)
        assert bodies, f"no event {kind}:\n{self}"
        return bodies[-1]

    @property
    def finding(self) -> Tree:
        """The hypothesis that was acted on."""
        return self.bodies("diagnosed")[0].trees("diagnosis", "hypotheses")[0]

    @property
    def cited(self) -> list[Tree]:
        """The facts that support the finding."""
        facts = {fact.text("id"): fact for fact in self.bodies("diagnosed")[0].trees("diagnosis", "evidence")}
        return [facts[key] for key in self.finding.texts("supporting")]

    @property
    def applied(self) -> list[str]:
        """The actions that reached the cluster, in order."""
        return [body.text("execution", "intent", "preview", "call", "action") for body in self.bodies("applied")]

    def __str__(self) -> str:
        lines = [json.dumps(self.incident.raw), *(json.dumps(event.raw)[:1500] for event in self.events)]
        return "\n".join(lines)


@dataclass(frozen=True)
class Autopilot:
    """A running service."""

    port: int
    child: Child

    @property
    def webhook_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{WEBHOOK}"

    def fetch(self, path: str) -> str:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path)
            reply = connection.getresponse()
            content = reply.read().decode()
            assert reply.status == http.client.OK, f"{path}: {reply.status} {content}"
            return content

    def incidents(self, namespace: str) -> list[Tree]:
        """The incidents of a namespace, newest first."""
        query = urllib.parse.urlencode({"namespace": namespace})
        return Tree(json.loads(self.fetch(f"/api/v1/incidents?{query}"))).trees("incidents")

    def story(self, incident: Tree) -> Story:
        path = f"/api/v1/incidents/{incident.text('id')}"
        events = json.loads(self.fetch(f"{path}/events"))
        return Story(Tree(json.loads(self.fetch(path))), tuple(Tree(event) for event in events))

    def incident(self, namespace: str, kind: str) -> Tree | None:
        """The first incident of an object of that kind there.

        What goes on being broken after it closed has others: an alert that begins later tells of something new.
        """
        found = [each for each in self.incidents(namespace) if each.text("target", "kind") == kind]
        return found[-1] if found else None

    def closed(self, namespace: str, *, kind: str = "Deployment", within_s: float) -> Story:
        """The story of the incident of an object of that kind, once it is closed."""

        def is_closed() -> Tree | None:
            found = self.incident(namespace, kind)
            return found if found is not None and found.text("phase") == "closed" else None

        try:
            incident = wait_until(f"the incident of {namespace} is closed", is_closed, within_s=within_s, every_s=0.5)
        except NotReached as error:
            stories = [str(self.story(each)) for each in self.incidents(namespace)] or ["no incident"]
            error.add_note("\n".join([*stories, self.child.last_words()]))
            raise
        return self.story(incident)

    def counted(self, metric: str) -> float:
        """The value of a counter with its labels, such as `kubernaut_signals_taken_total{alert="resolved"}`."""
        lines = [line for line in self.fetch("/metrics").splitlines() if line.startswith(f"{metric} ")]
        return float(lines[0].rpartition(" ")[2]) if lines else 0.0


@contextmanager
def autopilot(cluster: Cluster, folder: Path, *, window_s: float, deadline_s: float) -> Iterator[Autopilot]:
    """A service over the cluster, with a database of its own, ready to take alerts."""
    [port] = free_ports(1)
    settings = {
        "http": {"port": port},
        "store": {"url": f"sqlite:///{folder / 'kubernaut.sqlite'}"},
        "cluster": {"name": "test-bed", "kubeconfig": str(cluster.kubeconfig)},
        "policy": {"recheck_s": 3},
        "verification": {"window_s": window_s, "interval_s": 2, "deadline_s": deadline_s},
    }
    configuration = folder / "kubernaut.yaml"
    configuration.write_text(json.dumps(settings))  # JSON is YAML
    program = str(Path(sys.executable).with_name("kubernaut"))
    child = start("kubernaut", [program, "serve", "--config", str(configuration)], folder)
    try:
        running = Autopilot(port, child)
        wait_until("kubernaut is ready", lambda: _is_ready(running), within_s=30, child=child)
        yield running
    finally:
        child.stop()


def _is_ready(running: Autopilot) -> bool:
    try:
        return '"ready"' in running.fetch("/readyz")
    except (OSError, AssertionError):
        return False


def webhook_body(status: str, labels: Mapping[str, str]) -> bytes:
    """A message as Alertmanager sends it, with one alert."""
    now = datetime.now(UTC)
    ends_at = now.isoformat() if status == "resolved" else "0001-01-01T00:00:00Z"
    alert = {
        "status": status,
        "labels": dict(labels),
        "annotations": {},
        "startsAt": (now - timedelta(seconds=30)).isoformat(),
        "endsAt": ends_at,
        "generatorURL": "",
        "fingerprint": "5d2c0f6c8e1b7a43",
    }
    message = {
        "version": "4",
        "groupKey": f"{{}}:{{alertname={labels['alertname']!r}}}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "webhook",
        "groupLabels": {},
        "commonLabels": dict(labels),
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": [alert],
    }
    return json.dumps(message).encode()


def objects_of(cluster: Cluster, namespace: str) -> list[KubeObject]:
    """Every object of the namespace, of whatever kind, with its managed fields."""
    listable = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    kinds = ",".join(kind for kind in listable if kind != "events")
    listed = cluster.kubectl(
        "get", kinds, f"--namespace={namespace}", "--output=json", "--show-managed-fields", "--ignore-not-found"
    )
    return [KubeObject(item.raw) for item in Tree(json.loads(listed or "{}")).trees("items")]


def touched_by_us(cluster: Cluster, namespace: str) -> list[str]:
    """The objects that carry our name as the manager of a field."""
    return [
        str(item.ref)
        for item in objects_of(cluster, namespace)
        if any(entry.text("manager") == FIELD_MANAGER for entry in item.trees("metadata", "managedFields"))
    ]
