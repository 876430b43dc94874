"""Every metric by name: what it counts, in which labels, and who knows it. `docs/metrics.md` is written from it.

Names follow Prometheus: `kubernaut_` before, `_total` behind a counter, durations in seconds. No label holds a name of
the cluster (namespace, workload, alert) or of an incident, so that the number of series does not grow with use; those
are found on the pages and in the traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

# Answers in milliseconds, and waits for models and clusters.
BRIEF = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
# Ways of incidents: seconds to a day.
LONG = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)


class Kind(StrEnum):
    """How Prometheus takes it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Scope(StrEnum):
    """Whose figure it is: of the process that answers (sum them), or of the database that all share (take the max)."""

    PROCESS = "process"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `labels` say what values each label takes. `read_at_scrape`: asked when somebody reads /metrics.

    A figure read at the scrape that could not be read is left out of the answer: it is never 0 by default.
    """

    name: str
    kind: Kind
    meaning: str
    labels: Mapping[str, str] = field(default_factory=dict)
    buckets: tuple[float, ...] = BRIEF
    scope: Scope = Scope.PROCESS
    read_at_scrape: bool = False

    @property
    def exposed(self) -> str:
        """Its name on /metrics."""
        return f"kubernaut_{self.name}{'_total' if self.kind is Kind.COUNTER else ''}"

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a query may use."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.exposed}{part}" for part in ("_bucket", "_count", "_sum"))
        return (self.exposed,)


def _counter(name: str, meaning: str, **labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, meaning, labels)


def _gauge(name: str, meaning: str, **labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, meaning, labels)


def _timing(name: str, meaning: str, buckets: tuple[float, ...] = BRIEF, /, **labels: str) -> Metric:
    return Metric(name, Kind.HISTOGRAM, meaning, labels, buckets)


def _read(name: str, meaning: str, scope: Scope, kind: Kind = Kind.GAUGE, /, **labels: str) -> Metric:
    return Metric(name, kind, meaning, labels, scope=scope, read_at_scrape=True)


_SOURCE = "alertmanager, kubernetes-event"
_STAGE = "triage … learning"
_STEP = (
    "admit, investigate, plan, ask, answer, intend, apply, observe, verify, undo, correct, tell, value, close, learn, "
    "propose, watch, compare"
)
_ERROR = "the kind of error, such as ClusterUnavailable; StepBroke for a defect of ours"
_PROVIDER = "as in the settings"
_OURS, _SHARED = Scope.PROCESS, Scope.DATABASE
_BOUND = "low, middle, high"

SECTIONS: Mapping[str, tuple[Metric, ...]] = MappingProxyType(
    {
        "Alerts coming in": (
            _counter(
                "signals_accepted",
                "Alerts and events that were committed to the inbox",
                source=_SOURCE,
                state="firing, resolved",
            ),
            _counter(
                "intake_refused", "Requests with alerts that were answered with an error", source=_SOURCE, status="HTTP"
            ),
            _timing("intake_seconds", "From a request's head to its acknowledgement, commit included", source=_SOURCE),
            _counter("signals_taken", "Alerts that were taken out of the inbox", alert="firing, resolved"),
            _timing(
                "inbox_wait_seconds", "From the commit of an alert to its triage's end, by the cluster's clock", LONG
            ),
            _read("inbox_waiting_signals", "Alerts in the inbox that nobody has looked at yet", _SHARED),
            _read("inbox_oldest_seconds", "How long the oldest of them has been waiting; 0 where none waits", _SHARED),
        ),
        "Stages": (
            _timing(
                "step_seconds",
                "Each try of a step of the pipeline; its _count is the rate. Replayed steps are not counted",
                stage=_STAGE,
                step=_STEP,
            ),
            _counter("step_errors", "Tries of a step that ended with an error", stage=_STAGE, step=_STEP, error=_ERROR),
            _timing("investigation_seconds", "From the first read to the diagnosis, by the cluster's clock"),
            _timing("decision_seconds", "From the opening of an incident to its first decision", LONG),
            _counter(
                "decisions",
                "Decisions of planning",
                decision="act, ask, wait, close",
                guard="the rule that decided, by its fixed name",
            ),
        ),
        "Outcomes": (
            _counter("incidents_closed", "Incidents that this process closed", ending="the endings of an incident"),
            _timing("incident_seconds", "From the opening of an incident to its end", LONG, ending="the endings"),
            _counter(
                "actions",
                "Remedies that were applied or refused",
                action="the catalogue's",
                result="done, already, refused",
            ),
            _counter("undos", "Remedies that were taken back", by="kubernaut, person", result="done, already, refused"),
            _counter("verifications", "Verdicts on remedies", effect="healed, unchanged, worse, reverted, unknown"),
            _counter("notifications", "Messages to people", result="sent, failed"),
            _read("incidents_open", "Open incidents", _SHARED, phase="the phases of an open incident"),
            _read("approval_oldest_seconds", "Age of the oldest incident that waits for consent; 0: none", _SHARED),
        ),
        "Models": (
            _counter(
                "model_questions",
                "Incidents about which a model was to be asked, by what came of it",
                outcome="fixed words",
            ),
            _counter("model_requests", "Requests that went to a provider, repeated ones included", provider=_PROVIDER),
            _counter(
                "model_failures", "Times a provider gave no usable reply", provider=_PROVIDER, failure="the class"
            ),
            _timing("model_seconds", "From asking a provider to its usable reply or its failure", provider=_PROVIDER),
            _timing(
                "model_switch_seconds",
                "From the failure of a provider to the first request to the next one",
                provider=_PROVIDER,
            ),
            _counter(
                "model_failovers", "Times the next provider was asked because this one had failed", provider=_PROVIDER
            ),
            _counter(
                "model_lookups",
                "What models looked up in the cluster",
                tool="the closed set, unknown",
                outcome="found, nothing, refused",
            ),
            _counter("model_tokens", "Tokens of prompts and replies", provider=_PROVIDER),
            _counter(
                "model_usd", "What providers cost in US dollars, by the prices in the settings", provider=_PROVIDER
            ),
            _gauge("model_circuit", "Circuit breaker: 0 closed, 1 half-open, 2 open", provider=_PROVIDER),
            _counter(
                "model_answers_kept",
                "Questions that a kept answer or an equal question in flight answered",
                where="shelf, in flight",
            ),
            _counter("model_replies_suspicious", "Replies thrown away since they followed a text of the cluster"),
            _gauge("model_settings_refused", "1 while the changed settings of models cannot be taken"),
        ),
        "Cluster and database": (
            _counter(
                "cluster_requests",
                "Requests to the API server",
                verb="RBAC verb",
                status="HTTP status; none: no answer",
            ),
            _timing("cluster_request_seconds", "From a request to the head of its answer", verb="RBAC verb"),
            _timing("store_seconds", "A transaction, the wait for its turn included", access="read, write, inbox"),
            _counter(
                "store_errors", "Transactions that failed", access="read, write, inbox", error="the kind of error"
            ),
            _read(
                "check_ok", "1 where what readiness checks answers, 0 where it does not", _OURS, check="store, cluster"
            ),
            _read(
                "audit_chain_intact", "1 where the hash chain of events held when last walked along, else 0", _SHARED
            ),
            _read("audit_checked_events", "Events that the last walk along the chain found whole", _SHARED),
        ),
        "The service itself": (
            _read("runs_in_flight", "Durable runs that this process attends to", _OURS),
            _read("runs_resumed", "Runs taken up again", _OURS, Kind.COUNTER, of="itself, a dead process"),
            _read("runs_abandoned", "Runs given up since they never came to their end", _OURS, Kind.COUNTER),
            _read("suspended", "1 while all actions are suspended", _SHARED),
            _read("replicas", "Processes on this database by their heartbeats", _SHARED, state="alive, silent"),
            _read("build_info", "Always 1; the version is the label", _OURS, version="of Kubernaut"),
        ),
        "Value of the last 30 days": (
            _read("value_closed_incidents", "Closed incidents that the figures are counted from", _SHARED),
            _read(
                "value_time_to_resolution_seconds", "Median of healed incidents, its interval", _SHARED, bound=_BOUND
            ),
            _read("value_cost_savings_usd", "Savings in US dollars", _SHARED, bound=_BOUND),
            _read("value_efficiency_gain_ratio", "People's minutes saved, as a share", _SHARED, bound=_BOUND),
            _read("value_roi_ratio", "Savings without the cost, for every dollar of cost", _SHARED, bound=_BOUND),
        ),
    }
)
METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metrics in SECTIONS.values() for metric in metrics}
)
