"""The planning of incidents on one object, with everything around it to be set by a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.leases import MemoryLeases
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Diagnosis
from kubernaut.domain.execution import Applied, Effect, Execution, Verification
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.domain.plans import Decision, Plan, Standing
from kubernaut.engine.codec import dump
from kubernaut.planning.guardrails import guardrails
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.planning import PlanningPolicy, PlanningStage
from kubernaut.planning.policy.book import PolicyBook
from kubernaut.planning.surveying import Nature
from kubernaut.ports.files import FileText
from tests.objects import namespace
from tests.told import CHECKOUT, NOON, PROOF, ROLLBACK, Teller, a_diagnosis, a_store, an_intent

RESTART = ActionCall(ActionId("restart_workload"), CHECKOUT, {})


class TextInHand:
    """A policy file that a test writes into."""

    name = "p.yaml"

    def __init__(self, text: str) -> None:
        self.text = text

    async def read(self, known: str) -> FileText | None:
        return None if known == self.text else FileText(self.text, self.text)


class PlanningDesk:
    """Plans incidents of the deployment `shop/checkout`, whose namespace is managed."""

    def __init__(
        self,
        policy: str = "",
        *,
        autonomy: str = "auto",
        annotations: dict[str, str] | None = None,
        items: list[KubeObject] | None = None,
        look_back: timedelta = timedelta(),
        shadow: bool = False,
    ) -> None:
        self.clock = ManualClock(NOON)
        self.store = a_store()
        self.leases = MemoryLeases(self.clock)
        self.switch = MemorySwitch()
        self.meter = MemoryMeter()
        self.file = TextInHand(policy)
        self._numbers = count(1)
        labels = {"kubernaut.ai/managed": "true", "kubernaut.ai/autonomy": autonomy}
        place = dict(namespace(CHECKOUT.namespace, labels=labels).raw)
        place["metadata"] = {**place["metadata"], "annotations": annotations or {}}  # type: ignore[dict-item]
        self.cluster = MemoryCluster([place, *(dict(item.raw) for item in items or [])])
        rails = guardrails(
            self.cluster,
            self.store,
            self.clock,
            self.meter,
            book=PolicyBook(self.file),
            natures={
                ActionId("rollback_deployment"): Nature("low", reversible=True),
                ActionId("restart_workload"): Nature("low", reversible=True),
            },
        )
        bounds = PlanningPolicy(
            Autonomy.AUTO,
            cooldown=timedelta(minutes=1),
            patience=timedelta(),
            busy_for=timedelta(minutes=20),
            look_back=look_back,
            shadow=shadow,
        )
        self.planning = PlanningStage(
            self.cluster, self.store, self.leases, self.switch, self.clock, _no_records, frozenset(), bounds, rails
        )

    async def open(
        self, alert: str = "KubePodCrashLooping", cause: str = "crash_after_change", *, severity: str = "critical"
    ) -> Teller:
        """A diagnosed incident."""
        teller = Teller(
            self.store, number=next(self._numbers), alert=alert, began=self.clock.now(), cause=cause, severity=severity
        )
        await teller.receive()
        await teller.diagnose()
        return teller

    async def incident(self, teller: Teller) -> Incident:
        found = await self.store.get(teller.id)
        assert found is not None
        return found

    async def plan(self, teller: Teller | None = None, diagnosis: Diagnosis | None = None) -> Plan:
        """The plan of the incident, of a new one where none is given."""
        teller = teller or await self.open()
        found = diagnosis or a_diagnosis(teller.cause)
        return await self.planning.plan(await self.incident(teller), found, look=1, tried=())

    async def ask(self, teller: Teller, plan: Plan) -> Plan:
        """What the next stage does with a request for consent."""
        body: dict[str, Json] = {"plan": dump(plan), "preview": dump(an_intent().preview)}
        event = Event(teller.id, "asked-1", EventKind.ASKED, self.clock.now(), body)
        await self.store.append(event, phase=Phase.APPROVAL)
        return plan

    async def hear(self, teller: Teller, plan: Plan, heard: Json) -> Plan:
        return await self.planning.hearing.hear(await self.incident(teller), plan, heard, look=1)

    async def did(self, effect: Effect, *, at: datetime, call: ActionCall = ROLLBACK, alert: str = "Old") -> IncidentId:
        """An incident of the past in which that was done to the same object."""
        teller = replace(Teller(self.store), number=next(self._numbers), alert=alert, began=at)
        await teller.receive()
        execution = {"execution": dump(Execution(an_intent(call), Applied.DONE, "", at))}
        verdict: dict[str, Json] = {
            "verification": dump(Verification(effect, 100 if effect is Effect.HEALED else 10, PROOF, "", at)),
            "cause": "crash_after_change",
            "action": call.action,
        }
        for key, body in (("applied", execution), ("verified", verdict)):
            kind = EventKind(key)
            await self.store.append(Event(teller.id, f"{key}-1", kind, at, dict(body), about=str(CHECKOUT)))
        return teller.id


async def _no_records(cause: CauseId, namespace: str) -> dict[ActionId, Standing]:  # noqa: ARG001
    return {}


def told(plan: Plan) -> tuple[Decision, str]:
    """What was decided, and by what."""
    return plan.decision, plan.guard
