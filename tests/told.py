"""Incidents with their whole stories, as the stages would have stored them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.changes import ObjectPatch, PatchOperation
from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource, NotRead
from kubernaut.domain.execution import Applied, Effect, Execution, Intent, Preview, Score, Verification
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import JsonObject, ObjectRef, Uid
from kubernaut.domain.plans import Candidate, Decision, Plan
from kubernaut.domain.signals import AlertKey, Signal, SignalId
from kubernaut.engine.codec import dump
from kubernaut.investigation.remedies import escalate

NOON = datetime.fromisoformat("2026-03-04T12:00:00+00:00")
CHECKOUT = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
POD = ObjectRef("v1", "Pod", "shop", "checkout-7d9f8b6c4-abx2x")
ROLLBACK = ActionCall(ActionId("rollback_deployment"), CHECKOUT, {"revision": 6})
DIFF = ('- args: ["--cache-ttl=30s"]', "+ args: []")
PROOF = (
    Score("health", 40, 40, "3 of 3 ready"),
    Score("alert", 35, 35, "cleared"),
    Score("metrics", None, 25, "no Prometheus is set"),
)
FACTS = (
    Evidence(
        EvidenceId("e1"),
        EvidenceSource.CHANGE,
        CHECKOUT,
        "spec.template",
        'revision 6 → 7: args [] → ["--cache-ttl=30s"]',
        NOON,
    ),
    Evidence(EvidenceId("e2"), EvidenceSource.FIELD, POD, "status", "exit code 1, 5 restarts, first 41 s after e1"),
    Evidence(EvidenceId("e3"), EvidenceSource.LOG, POD, "previous", "flag provided but not defined: -cache-ttl"),
    Evidence(EvidenceId("e4"), EvidenceSource.FIELD, CHECKOUT, "spec", "all 4 references resolve"),
)


def a_hypothesis(cause: str = "crash_after_change", target: ObjectRef = CHECKOUT) -> Hypothesis:
    return Hypothesis(
        cause=CauseId(cause),
        target=target,
        confidence=0.94,
        verdict=Verdict.ACT,
        summary=f"Every pod of revision 7 of {target.name} exits 1: it does not know the flag --cache-ttl.",
        supporting=(EvidenceId("e1"), EvidenceId("e2"), EvidenceId("e3")),
        remedies=(replace(ROLLBACK, target=target),),
        by_hand=(f"kubectl -n {target.namespace} rollout undo deploy/{target.name} --to-revision=6",),
    )


def a_diagnosis(cause: str = "crash_after_change", target: ObjectRef = CHECKOUT) -> Diagnosis:
    other = Hypothesis(
        cause=CauseId("missing_config_key"),
        target=target,
        confidence=0.11,
        verdict=Verdict.ESCALATE,
        summary="A key of a ConfigMap is missing.",
        supporting=(),
        contradicting=(EvidenceId("e4"),),
    )
    gap = NotRead("metrics", "no Prometheus is set")
    return Diagnosis(target, (a_hypothesis(cause, target), other), FACTS, (gap,))


def for_people(cause: str) -> Diagnosis:
    """A diagnosis whose best cause only people can mend."""
    found = a_diagnosis(cause)
    best = replace(a_hypothesis(cause), verdict=Verdict.ESCALATE, remedies=(escalate(CHECKOUT),))
    return replace(found, hypotheses=(best, *found.hypotheses[1:]))


def an_intent(call: ActionCall = ROLLBACK, diff: tuple[str, ...] = DIFF) -> Intent:
    operation = PatchOperation("replace", "/spec/template/spec/containers/0/args", [])
    change = ObjectPatch(call.target, Uid("u-1"), "71", (operation,))
    return Intent(Preview(call, change, diff, "3 of 3 replicas, one at a time"), {"kind": call.target.kind}, change)


# Their keys end with the number of the attempt, as execution and verification write them.
_OF_AN_ATTEMPT = frozenset({EventKind.INTENDED, EventKind.APPLIED, EventKind.VERIFIED, EventKind.UNDONE})


@dataclass
class Teller:
    """Writes the story of one incident into a store, a step at a time."""

    store: MemoryIncidentStore
    number: int = 1
    target: ObjectRef = CHECKOUT
    alert: str = "KubePodCrashLooping"
    began: datetime = NOON
    cause: str = "crash_after_change"
    call: ActionCall = ROLLBACK
    diff: tuple[str, ...] = DIFF
    severity: str = "critical"
    _seconds: float = field(default=0.0)
    _attempts: int = field(default=0)

    @property
    def id(self) -> IncidentId:
        return IncidentId(f"inc-4f7k{self.number:02}")

    @property
    def now(self) -> datetime:
        return self.began + timedelta(seconds=self._seconds)

    def wait(self, seconds: float) -> None:
        self._seconds += seconds

    def signal(self, repetition: int, *, firing: bool) -> Signal:
        return Signal(
            id=SignalId(f"sig-{self.number}-{repetition}-{firing}"),
            source="alertmanager",
            name=self.alert,
            firing=firing,
            alert_key=AlertKey(f"{self.number}-{repetition}"),
            labels={"alertname": self.alert, "namespace": self.target.namespace},
            annotations={},
            starts_at=self.began,
            ends_at=None if firing else self.now,
            received_at=self.now,
        )

    async def receive(self, alerts: int = 1) -> None:
        incident = Incident(
            self.id,
            Fingerprint(f"print-{self.number}"),
            self.target,
            POD,
            self.alert,
            self.severity,
            self.began,
            self.now,
        )
        for repetition in range(alerts):
            await self.store.admit(self.signal(repetition, firing=True), incident, hold=timedelta(minutes=5))

    async def resolve(self) -> None:
        await self.store.resolve(self.signal(0, firing=False))

    async def add(self, kind: EventKind, body: JsonObject, phase: Phase | None = None, key: str = "") -> None:
        if kind is EventKind.INTENDED:
            self._attempts += 1
        number = self._attempts if kind in _OF_AN_ATTEMPT else self._seconds
        await self.store.append(Event(self.id, key or f"{kind}-{number}", kind, self.now, body), phase=phase)

    async def diagnose(self) -> None:
        like: JsonObject = {
            "incident": "inc-1a0c",
            "likeness": 0.97,
            "cause": self.cause,
            "action": self.call.action,
            "ending": "healed",
        }
        await self.add(EventKind.RECALLED, {"like": [like]}, Phase.INVESTIGATION)
        diagnosis = a_diagnosis(self.cause, self.target)
        await self.add(EventKind.DIAGNOSED, {"diagnosis": dump(diagnosis), "took_s": 0.04}, Phase.PLANNING)

    def plan(self, decision: Decision = Decision.ACT, reason: str = "bounded and reversible") -> Plan:
        other = ActionCall(ActionId("restart_workload"), self.target, {})
        return Plan(
            decision, reason, "allowed", "", None, Candidate(self.call, 11, 12, 0.65), (Candidate(other, 0, 0, 0.0),)
        )

    async def decide(self, plan: Plan) -> None:
        await self.add(EventKind.PLANNED, {"plan": dump(plan)})

    async def ask(self) -> None:
        plan = self.plan(Decision.ASK, "this scope acts only with consent")
        await self.decide(plan)
        preview = an_intent(self.call, self.diff).preview
        await self.add(EventKind.ASKED, {"preview": dump(preview), "plan": dump(plan)}, Phase.APPROVAL)

    async def apply(self) -> None:
        intent = an_intent(self.call, self.diff)
        await self.add(EventKind.INTENDED, {"intent": dump(intent)}, Phase.EXECUTION)
        self.wait(0.8)
        done = Execution(intent, Applied.DONE, "", self.now)
        await self.add(EventKind.APPLIED, {"execution": dump(done)}, Phase.VERIFICATION)

    async def verify(self, effect: Effect = Effect.HEALED) -> None:
        verification = Verification(effect, 100, PROOF, "all parts held for 60 s", self.now)
        await self.add(EventKind.VERIFIED, {"verification": dump(verification)})

    async def take_back(self) -> None:
        back = Execution(an_intent(self.call, self.diff), Applied.DONE, "back to the object as it was", self.now)
        await self.add(EventKind.UNDONE, {"execution": dump(back), "why": "it did not help"}, Phase.UNDOING)

    async def end(self, ending: Ending, reason: str) -> None:
        await self.add(EventKind.NOTIFIED, {"where": "nowhere: no channel is set", "title": "Healed"}, Phase.IMPACT)
        await self.add(EventKind.VALUED, {"value": {}}, Phase.LEARNING)
        await self.store.close(self.id, ending=ending, reason=reason, at=self.now)


def a_store() -> MemoryIncidentStore:
    return MemoryIncidentStore(MemorySignalStore())


async def a_healed_one(store: MemoryIncidentStore, **changes: object) -> Teller:
    """From the alert to healed, 74 s."""
    teller = replace(Teller(store), **changes)  # type: ignore[arg-type]
    await teller.receive(3)
    teller.wait(0.1)
    await teller.diagnose()
    await teller.decide(teller.plan())
    await teller.apply()
    teller.wait(73.1)
    await teller.verify()
    await teller.end(Ending.HEALED, "3 of 3 ready for 60 s, and the alert has cleared")
    return teller


async def a_waiting_one(store: MemoryIncidentStore, **changes: object) -> Teller:
    """Waits for consent."""
    teller = replace(Teller(store), **changes)  # type: ignore[arg-type]
    await teller.receive()
    teller.wait(0.2)
    await teller.diagnose()
    await teller.ask()
    return teller


async def an_undone_one(store: MemoryIncidentStore, **changes: object) -> Teller:
    """A remedy that did not help and was taken back."""
    teller = replace(Teller(store), **changes)  # type: ignore[arg-type]
    await teller.receive()
    teller.wait(0.2)
    await teller.diagnose()
    await teller.decide(teller.plan())
    await teller.apply()
    teller.wait(92)
    await teller.verify(Effect.UNCHANGED)
    await teller.take_back()
    teller.wait(1)
    # The next look finds no other remedy.
    await teller.add(
        EventKind.DIAGNOSED,
        {"diagnosis": dump(a_diagnosis(teller.cause, teller.target)), "took_s": 0.1},
        Phase.INVESTIGATION,
        key="diagnosed-2",
    )
    await teller.end(Ending.UNDONE, "rollback_deployment did not help; back to the object as it was")
    return teller


async def an_escalated_one(store: MemoryIncidentStore, **changes: object) -> Teller:
    """Handed to people at once."""
    teller = replace(Teller(store), **changes)  # type: ignore[arg-type]
    await teller.receive()
    teller.wait(0.2)
    await teller.diagnose()
    await teller.decide(Plan(Decision.CLOSE, "no safe action fits", "no_remedy", "", Ending.ESCALATED))
    await teller.end(Ending.ESCALATED, "no safe action fits")
    return teller
