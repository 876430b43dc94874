"""What conditions of a policy may look at: typed facts of the cluster and of the rules, and no text of a model.

Names of causes and actions are those of the closed catalogues; a summary, an explanation or a log line has no place
here, so nothing that a model writes can reach a condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from kubernaut.domain.diagnosis import Parameter
from kubernaut.domain.objects import JsonObject

# A word that is no level counts as the highest: an unknown severity may not be the way around a rule.
SEVERITIES = ("none", "info", "warning", "critical")
# What a rule that loosens may not look at: being surer, or more urgent, is no reason to guard less.
HIDDEN_FROM_LOOSENING = frozenset({"confidence", "by_model", "alert"})


@dataclass(frozen=True, slots=True)
class ActionFacts:
    """The remedy at hand. `needs_consent`: nobody may do it unasked, whatever a policy says."""

    id: str = "restart_workload"
    risk: str = "low"
    reversible: bool = True
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    needs_consent: bool = False


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """The object that it would change. `keeper` is the tool that owns its spec from outside, empty without one."""

    kind: str = "Deployment"
    namespace: str = "default"
    name: str = "web"
    labels: Mapping[str, str] = field(default_factory=dict)
    stateful: bool = False
    keeper: str = ""
    managed: bool = True
    autonomy: str = "auto"


@dataclass(frozen=True, slots=True)
class OwnerFacts:
    """Who would put this very change back: the tool, what it calls the object's origin, and the field that it keeps.

    All empty where the change would stand. `manager` and `operation` are those of `metadata.managedFields`.
    """

    tool: str = ""
    name: str = ""
    field: str = ""
    manager: str = ""
    operation: str = ""


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """A namespace."""

    name: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """The alert that opened the incident."""

    name: str = ""
    severity: str = "none"


@dataclass(frozen=True, slots=True)
class BlastFacts:
    """What the remedy touches at most: pods, their share of the workload, nodes."""

    replicas: int = 1
    share: float = 1.0
    nodes: int = 0


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """The record of this remedy for this cause, and what was done to this object before."""

    healed: int = 0
    tried: int = 0
    lower_bound: float = 0.0
    failures_1h: int = 0
    actions_1h: int = 0
    actions_24h: int = 0


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """How the cluster is."""

    name: str = "default"
    open_incidents: int = 0
    unhealthy_nodes: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it, about one remedy for one incident."""

    cause: str = "crash_after_change"
    confidence: float = 0.9
    by_model: bool = False
    environment: str = ""
    action: ActionFacts = ActionFacts()
    target: TargetFacts = TargetFacts()
    ns: PlaceFacts = PlaceFacts()
    alert: AlertFacts = AlertFacts()
    blast: BlastFacts = BlastFacts()
    history: HistoryFacts = HistoryFacts()
    cluster: ClusterFacts = ClusterFacts()
    owner: OwnerFacts = OwnerFacts()

    def variables(self, now: datetime, zone: ZoneInfo) -> JsonObject:
        """The facts by the names that conditions use, with the time in the policy's zone."""
        local = now.astimezone(zone)
        tree = asdict(self)
        tree["time"] = {
            "hour": local.hour,
            "minute": local.minute,
            "weekday": local.strftime("%a").lower(),
            "date": local.date().isoformat(),
        }
        return tree

    def with_severity(self, severity: str) -> Facts:
        """The same facts had the alert that severity."""
        return replace(self, alert=replace(self.alert, severity=severity))


NAMES = frozenset(Facts().variables(datetime.fromisoformat("2026-01-05T12:00:00+00:00"), ZoneInfo("UTC")))


def no_severer_than(severity: str) -> tuple[str, ...]:
    """That severity and every lower one.

    A rule that holds for a lower severity holds for this one too: so a higher severity can only add guards.
    """
    if severity not in SEVERITIES:
        return (*SEVERITIES, severity)
    return SEVERITIES[: SEVERITIES.index(severity) + 1]
