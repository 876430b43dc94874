"""A shop whose Service selects no pod, and every stage of its incident's way on memory adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.ids import CountingIds
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.leases import MemoryLeases
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.notifier import MemoryNotifier
from kubernaut.adapters.memory.patterns import MemoryPatterns
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.domain.changes import Change
from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.domain.signals import AlertKey, Signal, SignalId
from kubernaut.engine import Run
from kubernaut.execution.catalogue import AnyAction, Catalogue, discover
from kubernaut.execution.previewing import ExecutionPorts
from kubernaut.execution.stage import ExecutionStage
from kubernaut.healing.stages import PipelinePolicy, Stages
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.stage import ImpactStage
from kubernaut.investigation.stage import InvestigationStage, SecondOpinion
from kubernaut.learning.effectiveness import TrackRecord
from kubernaut.learning.stage import LearningStage
from kubernaut.pipeline import run_incident
from kubernaut.planning.guardrails import guardrails
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.permitting import Permit
from kubernaut.planning.planning import PlanningPolicy, PlanningStage
from kubernaut.planning.policy.book import PolicyBook
from kubernaut.planning.strategies.book import StrategyBook
from kubernaut.planning.submitting import Submissions
from kubernaut.ports import Admission
from kubernaut.strategy_wiring import known_names
from kubernaut.triage.admission import TriagePolicy, TriageStage
from kubernaut.verification.judging import VerificationPolicy
from kubernaut.verification.stage import VerificationStage
from kubernaut.verification.watching import WatchPolicy
from tests import objects
from tests.planning_desk import TextInHand
from tests.strategies import WrittenStrategies

SERVICE = ObjectRef("v1", "Service", "shop", "cart")
_LABELS = {"app": "cart", "tier": "web"}
_BUSY = timedelta(minutes=30)


@dataclass
class MisroutedShop:
    """`answers`: whether the pods are reached once the selector is right. `autonomy` is the label of the namespace.

    `second` is the model that is asked, where there is one.
    `strategies` and `policy` are the YAML of what people declared, `further` are actions beside those of the catalogue.
    """

    answers: bool = True
    autonomy: str = "auto"
    second: SecondOpinion | None = None
    strategies: str = ""
    policy: str = ""
    further: tuple[AnyAction, ...] = ()
    written: list[Change] = field(default_factory=list)
    clock: ManualClock = field(default_factory=lambda: ManualClock(objects.NOW, jumps=True))
    horizon: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        wanted = objects.template(objects.container(ports=[{"containerPort": 8080, "name": "http"}]), labels=_LABELS)
        workload = objects.deployment("cart", wanted, replicas=1)
        made = self._made = objects.replica_set(workload, 1, wanted, desired=1, available=1)
        self._pod = objects.pod(f"{made.name}-a", [objects.running()], of=made)
        self._front = objects.service("cart", {"app": "cart", "tier": "wbe"})
        labels = {"kubernaut.ai/managed": "true", "kubernaut.ai/autonomy": self.autonomy}
        items = [workload, made, self._pod, self._front, objects.endpoint_slice(self._front), objects.node()]
        self.cluster = MemoryCluster(dict(item.raw) for item in [*items, objects.namespace(labels=labels)])
        self.inbox = MemorySignalStore()
        self.incidents = MemoryIncidentStore(self.inbox)
        self.leases = MemoryLeases(self.clock)
        self.switch = MemorySwitch()
        self.notifier = MemoryNotifier()
        self.patterns = MemoryPatterns()
        self.stages = self._stages()

    async def open_incident(self) -> Incident:
        """What the firing alert opens."""
        admitted = await self.stages.triage.admit(self._signal(firing=True))
        assert isinstance(admitted, Admission)
        return admitted.incident

    async def workflow(self, run: Run, argument: JsonObject) -> Json:
        """What an engine runs."""
        return await run_incident(run, self.stages, argument)

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        """A write, after which the controllers do their part: this is the cluster writer of the stages."""
        after = await self.cluster.write(change, dry_run=dry_run, warned=warned)
        if not dry_run:
            self.written.append(change)
            if self.answers and self.selector() == _LABELS:
                await self.recover()
        return after

    async def recover(self) -> None:
        """The pods are reached, and the alert ends."""
        self.cluster.put(self._served())
        await self.stages.triage.admit(self._signal(firing=False))

    def trouble_of_another_kind(self) -> None:
        """The selector is right and the pod does not get ready: no rule knows why, its log alone says something."""
        idle = objects.pod(self._pod.name, [objects.running(ready=False)], of=self._made)
        self._front = objects.service("cart", _LABELS)
        for item in (idle, self._front, objects.endpoint_slice(self._front)):
            self.cluster.put(dict(item.raw))
        self.cluster.logs[idle.ref, "app", False] = "the queue is stalled: partition 7 is owned by nobody\n"

    def selector(self) -> dict[str, str]:
        """What the Service selects now."""
        return KubeObject(self.cluster.raw(SERVICE)).mapping("spec", "selector")

    def _served(self) -> JsonObject:
        served = dict(objects.endpoint_slice(self._front, ready=1).raw)
        target: JsonObject = {"kind": "Pod", "namespace": "shop", "name": self._pod.name}
        endpoint: JsonObject = {"addresses": ["10.1.0.1"], "conditions": {"ready": True}, "targetRef": target}
        served["endpoints"] = [endpoint]
        served["ports"] = [{"name": "http", "port": 8080}]
        return served

    def _signal(self, *, firing: bool) -> Signal:
        labels = {"alertname": "ServiceHasNoEndpoints", "namespace": "shop", "service": "cart", "severity": "critical"}
        now = self.clock.now()
        begun = objects.NOW - timedelta(minutes=5)
        name = "sig-1" if firing else "sig-2"
        ended = None if firing else now
        return Signal(SignalId(name), "test", labels["alertname"], firing, AlertKey("a"), labels, {}, begun, ended, now)

    def _stages(self) -> Stages:
        cluster, incidents, clock = self.cluster, self.incidents, self.clock
        learning = LearningStage(incidents, HashedEmbedder(), self.patterns, clock)
        catalogue = Catalogue({action.id: action for action in (*discover(), *self.further)})
        irreversible = frozenset(action.id for action in catalogue if not action.reversible)
        watch = VerificationPolicy(timedelta(seconds=20), timedelta(seconds=5), timedelta(seconds=40))
        execution = ExecutionStage(
            ExecutionPorts(cluster, self, clock, catalogue),
            incidents,
            self.leases,
            self.notifier,
            _BUSY,
            objection=Permit(cluster, incidents, self.switch, clock).objection,
        )
        return Stages(
            triage=TriageStage(
                cluster, self.inbox, incidents, clock, CountingIds(), TriagePolicy("test", timedelta(minutes=5))
            ),
            investigation=InvestigationStage(cluster, incidents, clock, MemoryMeter(), learning.recall, self.second),
            planning=PlanningStage(
                cluster, incidents, self.leases, self.switch, clock, TrackRecord(incidents, clock).of, irreversible,
                PlanningPolicy(Autonomy.AUTO, cooldown=timedelta(minutes=10), patience=timedelta(0), busy_for=_BUSY),
                guardrails(cluster, incidents, clock, MemoryMeter(), book=PolicyBook(TextInHand(self.policy))),
                submissions=Submissions(claims=execution.claim),
                strategies=StrategyBook(known_names(catalogue), [WrittenStrategies(self.strategies)]),
            ),
            execution=execution,
            verification=VerificationStage(
                cluster, incidents, clock, watch, watch=WatchPolicy(self.horizon, timedelta(minutes=1))
            ),
            impact=ImpactStage(incidents, clock, ValueInputs()),
            learning=learning,
            policy=PipelinePolicy(2, 5, timedelta(seconds=10), timedelta(0), timedelta(minutes=30)),
        )  # fmt: skip
