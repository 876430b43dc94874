"""What can be asked of Prometheus, as PromQL templates; each names the exporter whose series it reads.

Thresholds stand with the causes that use them. A word with a dollar sign is filled with a quoted label value, never
with text: what an object is called cannot become part of a query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and its values with their times, oldest first."""

    labels: Mapping[str, str]
    points: tuple[tuple[datetime, float], ...]

    @property
    def value(self) -> float:
        """The latest value; 0 where there is none."""
        return self.points[-1][1] if self.points else 0.0


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """A query with everything filled in. `reach` is how far back it goes; only the present value where it is zero."""

    name: str
    query: str
    reach: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Measure:
    """A template and what a person calls its result."""

    name: str
    template: str
    reach: timedelta = timedelta()

    def of(self, **values: str) -> Asked:
        """The query about these objects."""
        quoted = {key: _quoted(value) for key, value in values.items()}
        return Asked(self.name, Template(self.template).substitute(quoted), self.reach)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


# Of a namespace or of all nodes at once: a survey of hundreds of workloads asks no more often than one of a single one.
# cAdvisor, through the kubelet; pauses and sandboxes have no container label.
_PODS = '{namespace=$namespace,container!=""}[5m]'
CPU_THROTTLED = Measure(
    "share of CPU periods throttled in 5 min",
    f"sum by (pod, container) (increase(container_cpu_cfs_throttled_periods_total{_PODS}))"
    f" / sum by (pod, container) (increase(container_cpu_cfs_periods_total{_PODS}))",
)
CPU_USED = Measure(
    "CPU cores used over 5 min",
    f"sum by (pod, container) (rate(container_cpu_usage_seconds_total{_PODS}))",
)
MEMORY_USED = Measure(
    "working set in bytes over 1 h",
    "max by (pod, container) (container_memory_working_set_bytes{namespace=$namespace,pod=$pod,container=$container})",
    timedelta(hours=1),
)
MEMORY_SHARE = Measure(
    "working set as a share of the memory limit",
    'max by (pod, container) (container_memory_working_set_bytes{namespace=$namespace,container!=""})'
    ' / (max by (pod, container) (container_spec_memory_limit_bytes{namespace=$namespace,container!=""}) > 0)',
)
# The kubelet.
VOLUME_FREE = Measure(
    "free share of volumes",
    "min by (persistentvolumeclaim) (kubelet_volume_stats_available_bytes{namespace=$namespace}"
    " / kubelet_volume_stats_capacity_bytes{namespace=$namespace})",
)
# node_exporter, whose series carry an address; node_uname_info says which node that is.
_NODE_NAME = "* on (instance) group_left (nodename) node_uname_info"
TCP_RESENT = Measure(
    "share of TCP segments sent again in 5 min",
    f"rate(node_netstat_Tcp_RetransSegs[5m]) / rate(node_netstat_Tcp_OutSegs[5m]) {_NODE_NAME}",
)
DISK_ERRORS = Measure(
    "file systems with a device error",
    f'(node_filesystem_device_error{{fstype!~"tmpfs|overlay|squashfs|fuse.*"}} > 0) {_NODE_NAME}',
)
# The API server itself.
CALLS_REJECTED = Measure(
    "API requests a second rejected by priority and fairness",
    "sum by (flow_schema, priority_level, reason) (rate(apiserver_flowcontrol_rejected_requests_total[5m])) > 0",
)
CALLS_FAILED = Measure(
    "share of API requests failed with 5xx in 5 min",
    'sum(rate(apiserver_request_total{code=~"5.."}[5m])) / sum(rate(apiserver_request_total[5m]))',
)
ETCD_SLOW = Measure(
    "99th percentile of etcd's answers in seconds",
    "histogram_quantile(0.99, sum by (le) (rate(etcd_request_duration_seconds_bucket[5m])))",
)
CERTIFICATES_LEFT = Measure(
    "seconds left to the client certificates that run out first",
    "histogram_quantile(0.01, sum by (le) (rate(apiserver_client_certificate_expiration_seconds_bucket[5m])))",
)
