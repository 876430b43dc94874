"""A month of incidents of which the truth is known, stored as the stages would have stored them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.execution import Effect
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.domain.plans import Candidate, Decision, Plan
from kubernaut.domain.proposals import Agreement, Comparison, Proposal, Written
from kubernaut.engine.codec import dump
from kubernaut.planning.policy.facts import ActionFacts, Facts
from kubernaut.ports import IncidentStore
from tests.examples import HOLD, NOON, a_signal, an_incident

CAUSES = {
    "crash_after_change": "rollback_deployment",
    "memory_limit_too_low": "increase_memory_limit",
    "missing_config_key": "restore_configmap",
    "selector_mismatch": "fix_service_selector",
    "deadlock": "restart_workload",
    "image_not_found": "rollback_deployment",
    "probe_wrong": "rollback_deployment",
}


@dataclass(frozen=True)
class Happened:
    """One incident: how it ended, after how many seconds."""

    name: str
    cause: str
    ending: Ending
    after_s: float
    opened_at: datetime
    namespace: str = "shop"
    team: str = "web"
    approved: bool = False
    guard: str = ""
    ends_after_s: float | None = None
    tokens: int = 0


def a_month(count: int = 120, *, seed: int = 1) -> list[Happened]:
    random = Random(seed)  # noqa: S311  # invents incidents, hides nothing
    endings = [Ending.HEALED] * 8 + [Ending.ESCALATED, Ending.UNDONE, Ending.SELF_RESOLVED, Ending.DECLINED]
    return [
        Happened(
            f"print-{number}",
            random.choice(sorted(CAUSES)),
            random.choice(endings),
            random.lognormvariate(4.4, 0.8),
            NOON + timedelta(hours=number * 6),
            random.choice(["shop", "pay", "data"]),
            random.choice(["web", "money", ""]),
            approved=random.random() < 0.2,
            tokens=random.choice([0, 0, 1500]),
        )
        for number in range(count)
    ]


async def tell(incidents: IncidentStore, happened: Sequence[Happened]) -> list[IncidentId]:
    return [await _tell(incidents, one) for one in happened]


async def _tell(incidents: IncidentStore, one: Happened) -> IncidentId:
    signal = replace(
        a_signal(alert=one.name, labels={"alertname": "KubePodNotReady", "team": one.team}),
        starts_at=one.opened_at,
        received_at=one.opened_at,
    )
    candidate = replace(
        an_incident(one.name, namespace=one.namespace, name=one.name, opened_at=one.opened_at), started_at=one.opened_at
    )
    opened = (await incidents.admit(signal, candidate, hold=HOLD)).incident
    for seconds, key, kind, body in _steps(one):
        at = one.opened_at + timedelta(seconds=seconds)
        await incidents.append(Event(opened.id, key, kind, at, body, about=""), phase=None)
    await incidents.append(
        Event(opened.id, "notified-end", EventKind.NOTIFIED, one.opened_at, {"where": ""}), phase=Phase.IMPACT
    )
    await incidents.append(Event(opened.id, "valued", EventKind.VALUED, one.opened_at, {}), phase=Phase.LEARNING)
    end = one.opened_at + timedelta(seconds=one.after_s)
    await incidents.close(opened.id, ending=one.ending, reason="", at=end)
    if one.ends_after_s is not None:
        ended = one.opened_at + timedelta(seconds=one.ends_after_s)
        resolved = replace(signal, id=f"{signal.id}-end", firing=False, ends_at=ended, received_at=ended)
        await incidents.resolve(resolved)
    return opened.id


def _steps(one: Happened) -> list[tuple[float, str, EventKind, JsonObject]]:
    diagnosis: JsonObject = {"diagnosis": {"hypotheses": [{"cause": one.cause}]}}
    steps: list[tuple[float, str, EventKind, JsonObject]] = [(1, "diagnosed-1", EventKind.DIAGNOSED, diagnosis)]
    if one.tokens:
        steps.append((2, "asked-model-1", EventKind.MODEL_ASKED, {"tokens": one.tokens, "requests": 1}))
    if one.guard:
        steps.append((2, "planned-1", EventKind.PLANNED, {"plan": {"guard": one.guard}}))
    if one.approved:
        steps.append((3, "answered-1", EventKind.APPROVED, {"approved": True}))
    if one.ending in {Ending.HEALED, Ending.UNDONE}:
        effect = Effect.HEALED if one.ending is Ending.HEALED else Effect.WORSE
        applied: JsonObject = {"execution": {"applied": "done"}}
        verified: JsonObject = {
            "verification": {"effect": effect}, "cause": one.cause, "action": CAUSES.get(one.cause, "restart_workload"),
        }  # fmt: skip
        steps += [
            (4, "applied-1", EventKind.APPLIED, applied),
            (one.after_s * 0.9, "verified-1", EventKind.VERIFIED, verified),
        ]
        if one.ending is Ending.UNDONE:
            steps.append((one.after_s * 0.95, "undone-1", EventKind.UNDONE, applied))
    return steps


async def tell_proposal(
    incidents: IncidentStore, one: Happened, agreement: Agreement | None = None, minutes: float | None = None
) -> IncidentId:
    """An incident whose remedy was proposed, and what people did that many minutes later; None while it is watched."""
    opened = await _tell(incidents, replace(one, ending=Ending.ESCALATED, guard="shadow"))
    call = ActionCall(ActionId(CAUSES[one.cause]), ObjectRef("apps/v1", "Deployment", one.namespace, one.name), {})
    at = one.opened_at + timedelta(seconds=2)
    proposed: JsonObject = {"proposal": dump(Proposal(at, call, None, "no rights"))}
    await incidents.append(Event(opened, "proposed-1", EventKind.PROPOSED, at, proposed, str(call.target)))
    if agreement is not None:
        mended = None if minutes is None else at + timedelta(minutes=minutes)
        ended = at + timedelta(days=1)
        found = Comparison(agreement, "told", ended, mended, "alert", (Written(call.target, "kubectl-edit", mended),))
        body: JsonObject = {"comparison": dump(found), "action": call.action}
        await incidents.append(Event(opened, "compared", EventKind.COMPARED, ended, body, str(call.target)))
    return opened


async def tell_decision(incidents: IncidentStore, name: str) -> None:
    """An incident of which the service decided by itself to roll back, with the facts that it decided on."""
    opened = await _tell(incidents, Happened(name, "crash_after_change", Ending.ESCALATED, 60, NOON))
    call = ActionCall(ActionId("rollback_deployment"), ObjectRef("apps/v1", "Deployment", "shop", name), {})
    plan = Plan(Decision.ACT, "it is allowed", "allowed", chosen=Candidate(call, 0, 0, 0.0))
    facts = replace(Facts(), action=ActionFacts("rollback_deployment"))
    candidates: list[Json] = [{"call": dump(call), "differs": {}}]
    ruling: JsonObject = {"policy": {"storm_within_minutes": 10}, "inputs": dump(facts), "candidates": candidates}
    body: JsonObject = {"plan": dump(plan), "ruling": ruling}
    await incidents.append(Event(opened, "planned-1", EventKind.PLANNED, NOON, body, about=str(call.target)))
