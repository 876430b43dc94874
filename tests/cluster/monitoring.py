"""The real kube-state-metrics, Prometheus and Alertmanager over a cluster, at the pace of a test."""

import http
import http.client
import json
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.processes import accepts, free_ports, run, start, wait_until
from tests.cluster.programs import Kubernetes, need_program

ALERTS = Path(__file__).parent / "alerts.yaml"
STATE_METRICS = (
    "configmaps,cronjobs,daemonsets,deployments,endpoints,horizontalpodautoscalers,jobs,namespaces,nodes,"
    "persistentvolumeclaims,poddisruptionbudgets,pods,replicasets,resourcequotas,services,statefulsets"
)


@dataclass(frozen=True)
class Pace:
    """How soon things are seen and said; production's figures are thirty times as long."""

    scrape_s: int = 1
    group_wait_s: int = 1
    group_interval_s: int = 2
    repeat_interval_s: int = 10


def prometheus_configuration(metrics_port: int, alertmanager_port: int, pace: Pace) -> dict[str, object]:
    """Prometheus's configuration; JSON is YAML, so it is written as it stands."""
    return {
        "global": {
            "scrape_interval": f"{pace.scrape_s}s",
            "evaluation_interval": f"{pace.scrape_s}s",
            "external_labels": {"cluster": "test-bed"},
        },
        "rule_files": [str(ALERTS)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
        "scrape_configs": [
            {
                "job_name": "kube-state-metrics",
                "honor_labels": True,  # namespace and pod are those of the object, not of the exporter
                "static_configs": [{"targets": [f"127.0.0.1:{metrics_port}"]}],
            }
        ],
    }


def alertmanager_configuration(webhook_url: str, pace: Pace, *, bearer_token: str = "") -> dict[str, object]:
    """Alertmanager's configuration: every alert, grouped as kube-prometheus groups, to the webhook."""
    webhook: dict[str, object] = {"url": webhook_url, "send_resolved": True}
    if bearer_token:
        webhook["http_config"] = {"authorization": {"type": "Bearer", "credentials": bearer_token}}
    return {
        "route": {
            "receiver": "webhook",
            "group_by": ["namespace", "alertname"],
            "group_wait": f"{pace.group_wait_s}s",
            "group_interval": f"{pace.group_interval_s}s",
            "repeat_interval": f"{pace.repeat_interval_s}s",
        },
        "receivers": [{"name": "webhook", "webhook_configs": [webhook]}],
    }


@dataclass(frozen=True)
class Monitoring:
    """A running Prometheus that sees the cluster, and the place where it looks for an Alertmanager."""

    folder: Path
    prometheus_port: int
    alertmanager_port: int
    pace: Pace

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self.prometheus_port}"

    @property
    def alertmanager_url(self) -> str:
        return f"http://127.0.0.1:{self.alertmanager_port}"

    def query(self, expression: str) -> list[dict[str, str]]:
        """The labels of every series that the expression selects now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.prometheus_port, timeout=10)
        try:
            connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
            reply = connection.getresponse()
            if reply.status == http.HTTPStatus.SERVICE_UNAVAILABLE:  # it still reads its storage
                return []
            return [series["metric"] for series in json.load(reply)["data"]["result"]]
        finally:
            connection.close()

    @contextmanager
    def alertmanager(self, webhook_url: str, *, bearer_token: str = "") -> Iterator[None]:
        """An Alertmanager that tells the webhook, with no memory of earlier ones; one at a time."""
        folder = self.folder / f"alertmanager-{time.monotonic_ns()}"
        folder.mkdir()
        configuration = folder / "alertmanager.json"
        content = alertmanager_configuration(webhook_url, self.pace, bearer_token=bearer_token)
        configuration.write_text(json.dumps(content))
        command = [
            str(need_program("prometheus-alertmanager")),
            f"--config.file={configuration}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.alertmanager_port}",
            "--cluster.listen-address=",
        ]
        child = start("alertmanager", command, self.folder / "logs")
        try:
            wait_until(
                "Alertmanager listens", lambda: accepts("127.0.0.1", self.alertmanager_port), within_s=20, child=child
            )
            yield
        finally:
            child.stop()


@contextmanager
def monitoring(cluster: Cluster, kubernetes: Kubernetes, folder: Path) -> Iterator[Monitoring]:
    """Monitoring of the cluster; its first scrape has succeeded."""
    pace = Pace()
    folder.mkdir(parents=True, exist_ok=True)
    metrics_port, telemetry_port, prometheus_port, alertmanager_port = free_ports(4)
    exporter_command = [
        *kubernetes.command("kube-state-metrics"),
        f"--kubeconfig={cluster.kubeconfig}",
        "--host=127.0.0.1",
        f"--port={metrics_port}",
        "--telemetry-host=127.0.0.1",
        f"--telemetry-port={telemetry_port}",
        f"--resources={STATE_METRICS}",
    ]
    configuration = folder / "prometheus.json"
    configuration.write_text(json.dumps(prometheus_configuration(metrics_port, alertmanager_port, pace)))
    prometheus_command = [
        str(need_program("prometheus")),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{prometheus_port}",
        # A firing alert is told again so often that a new Alertmanager hears of it soon.
        "--rules.alert.resend-delay=3s",
        "--log.level=warn",
    ]
    exporter = start("kube-state-metrics", exporter_command, folder / "logs")
    try:
        prometheus = start("prometheus", prometheus_command, folder / "logs")
        try:
            wait_until("Prometheus listens", lambda: accepts("127.0.0.1", prometheus_port), child=prometheus)
            ready = Monitoring(folder, prometheus_port, alertmanager_port, pace)
            wait_until("metrics are scraped", lambda: bool(ready.query("kube_namespace_created")), child=exporter)
            yield ready
        finally:
            prometheus.stop()
    finally:
        exporter.stop()


def check_configurations(folder: Path) -> str:
    """What promtool and amtool say of the rules and of both configurations; raises where they object."""
    pace = Pace()
    prometheus, alertmanager = folder / "prometheus.json", folder / "alertmanager.json"
    prometheus.write_text(json.dumps(prometheus_configuration(1, 2, pace)))
    alertmanager.write_text(json.dumps(alertmanager_configuration("http://127.0.0.1:3/", pace, bearer_token="token")))
    said = run([str(need_program("promtool")), "check", "config", str(prometheus)])
    return said + run([str(need_program("amtool")), "check-config", str(alertmanager)])
