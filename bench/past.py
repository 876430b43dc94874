"""A database with a past: thousands of finished incidents with all their events, and a few that are open.

Times, endings and causes are spread by a seeded generator; every body is of the same shape as the stages store them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from sqlalchemy import insert

from kubernaut.adapters.store import Store
from kubernaut.adapters.store.rows import event_cells, incident_cells
from kubernaut.adapters.store.schema import events, incidents
from kubernaut.adapters.store.sealing import seal_all
from kubernaut.domain.changes import ObjectPatch, PatchOperation
from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.execution import Applied, Effect, Execution, Intent, Preview, Score, Verification
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind, cause_told, told_by_closing
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import Json, JsonObject, ObjectRef, Uid
from kubernaut.domain.plans import Candidate, Decision, Plan
from kubernaut.engine.codec import dump

CAUSES = (
    ("crash_after_change", "rollback_deployment", "KubePodCrashLooping"),
    ("memory_limit_too_low", "increase_memory_limit", "KubernetesContainerOomKiller"),
    ("image_not_found", "rollback_deployment", "KubePodNotReady"),
    ("service_selector_mismatch", "fix_service_selector", "KubeServiceWithoutEndpoints"),
    ("probe_wrong_port", "rollback_deployment", "KubePodNotReady"),
    ("volume_full", "", "KubePersistentVolumeFillingUp"),
)
NAMESPACES = ("shop", "pay", "web", "data", "search", "mail", "auth", "stock")
_ENDINGS = (Ending.HEALED,) * 15 + (Ending.ESCALATED,) * 3 + (Ending.UNDONE, Ending.SELF_RESOLVED, Ending.DECLINED)
_PAST = timedelta(days=60)
_ROWS = 2000
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def fill(store: Store, count: int, *, now: datetime | None = None, waiting: int = 40) -> int:
    """Stores that many finished incidents of the last sixty days and some that wait for consent; how many events."""
    chance, until = random.Random(7), now or datetime.now(UTC)  # noqa: S311  # for repetition, not for secrets
    told = 0
    engine = store.database_engine.execution_options(kubernaut_writes=True)
    ages = sorted((_PAST * chance.random() for _ in range(count)), reverse=True)
    with engine.begin() as connection:
        rows: list[dict[str, object]] = []
        cells: list[dict[str, object]] = []
        for number, age in enumerate([*ages, *(timedelta(minutes=5 + n) for n in range(waiting))]):
            one = _One(number, until - age, chance, waits=number >= count)
            own = list(one.events())
            cause = next((found for event in reversed(own) if (found := cause_told(event)) is not None), "")
            rows.append({**incident_cells(one.incident()), "cause": cause})
            cells += [event_cells(event, None) for event in own]
            if len(rows) >= _ROWS:
                connection.execute(insert(incidents), rows)
                connection.execute(insert(events), cells)
                told += len(cells)
                rows, cells = [], []
        if rows:
            connection.execute(insert(incidents), rows)
            connection.execute(insert(events), cells)
        seal_all(connection)
    return told + len(cells)


@dataclass
class _One:
    number: int
    began: datetime
    chance: random.Random
    waits: bool

    def __post_init__(self) -> None:
        self.cause, self.action, self.alert = self.chance.choice(CAUSES)
        if self.waits:
            self.cause, self.action, self.alert = CAUSES[0]
        namespace = self.chance.choice(NAMESPACES)
        self.target = ObjectRef("apps/v1", "Deployment", namespace, f"app-{self.chance.randrange(25):03}")
        self.ending = self.chance.choice(_ENDINGS) if self.action else Ending.ESCALATED
        self.took = timedelta(seconds=self.chance.lognormvariate(4.4, 0.7))
        self.id = IncidentId(f"inc-{self.number:06x}")

    def incident(self) -> Incident:
        bare = Incident(
            id=self.id,
            fingerprint=Fingerprint(f"print-{self.number}"),
            target=self.target,
            reported=ObjectRef("v1", "Pod", self.target.namespace, f"{self.target.name}-7d9f8b6c4-abx2x"),
            alert=self.alert,
            severity="critical",
            started_at=self.began,
            opened_at=self.began + timedelta(seconds=1),
            phase=Phase.APPROVAL if self.waits else Phase.LEARNING,
        )
        return bare if self.waits else bare.closed_as(self.ending, reason=self._reason(), at=self.began + self.took)

    def _reason(self) -> str:
        return "no safe action fits" if self.ending is Ending.ESCALATED else "3 of 3 ready for 60 s"

    def events(self) -> Iterator[Event]:
        yield self._event(EventKind.RECEIVED, 0, {"alert": self.alert, "starts_at": self.began.isoformat()})
        yield self._event(
            EventKind.DIAGNOSED, 0.1, {"diagnosis": _diagnosed(self.cause, self.action, self.target), "took_s": 0.04}
        )
        if self.chance.random() < 0.1:  # noqa: PLR2004
            asked = {"provider": "local", "ok": True, "tokens": 812, "took_s": self.chance.lognormvariate(0.7, 0.4)}
            yield self._event(EventKind.MODEL_ASKED, 0.12, asked)
        plan = _planned(self.action, self.target, waits=self.waits)
        yield self._event(EventKind.PLANNED, 0.15, {"plan": plan})
        if self.waits:
            body: JsonObject = {"preview": dump(_intent(self.action, self.target).preview), "plan": plan}
            yield self._event(EventKind.ASKED, 0.2, body)
            return
        if self.action and self.ending in {Ending.HEALED, Ending.UNDONE}:
            yield from self._acted()
        yield self._event(EventKind.NOTIFIED, self.took.total_seconds(), {"where": "nowhere", "title": "Told"})
        yield self._event(EventKind.VALUED, self.took.total_seconds(), {"value": {}})
        yield self._event(EventKind.LEARNED, self.took.total_seconds(), {"text": f"{self.alert}\n{self.cause}"})
        yield told_by_closing(self.id, self.ending, reason=self._reason(), at=self.began + self.took)

    def _acted(self) -> Iterator[Event]:
        end = self.took.total_seconds()
        effect = Effect.HEALED if self.ending is Ending.HEALED else Effect.UNCHANGED
        done = _done(self.action, self.target)
        yield self._event(EventKind.INTENDED, 0.3, {"intent": done["intent"]})
        yield self._event(EventKind.APPLIED, 0.9, {"execution": done}, about=str(self.target))
        body: JsonObject = {"verification": _verified(effect), "cause": self.cause, "action": self.action}
        yield self._event(EventKind.VERIFIED, end - 1, body)
        if effect is not Effect.HEALED:
            yield self._event(EventKind.UNDONE, end - 0.5, {"execution": done, "why": "it did not help"})

    def _event(self, kind: EventKind, after_s: float, body: JsonObject, *, about: str = "") -> Event:
        return Event(self.id, str(kind), kind, self.began + timedelta(seconds=after_s), body, about)


# The same bodies come again and again, and to make them is most of the time that filling takes.
@cache
def _diagnosed(cause: str, action: str, target: ObjectRef) -> Json:
    facts = tuple(
        Evidence(EvidenceId(f"e{n}"), EvidenceSource.FIELD, target, f"status.{n}", f"fact {n} of {cause}")
        for n in range(1, 7)
    )
    best = Hypothesis(
        CauseId(cause),
        target,
        0.94,
        Verdict.ACT,
        f"Every pod of {target.name} fails in the same way since revision 7.",
        tuple(fact.id for fact in facts[:3]),
        remedies=(_call(action, target),),
    )
    other = Hypothesis(
        CauseId("missing_config_key"), target, 0.1, Verdict.ESCALATE, "A key is missing.", (), (EvidenceId("e4"),)
    )
    return dump(Diagnosis(target, (best, other), facts))


@cache
def _planned(action: str, target: ObjectRef, *, waits: bool) -> Json:
    other = ActionCall(ActionId("restart_workload"), target, {})
    decision = Decision.ASK if waits else Decision.ACT
    chosen = Candidate(_call(action, target), 38, 41, 0.81)
    alternatives = (Candidate(other, 2, 9, 0.06),)
    return dump(Plan(decision, "this scope acts only with consent", "stateful", "", None, chosen, alternatives))


@cache
def _done(action: str, target: ObjectRef) -> dict[str, Json]:
    done = dump(Execution(_intent(action, target), Applied.DONE, "", _EPOCH))
    assert isinstance(done, dict)  # noqa: S101  # a dataclass is an object
    return done


@cache
def _verified(effect: Effect) -> Json:
    parts = (Score("health", 40, 40, "3 of 3 ready"), Score("alert", 35, 35, "cleared"))
    return dump(Verification(effect, 100, parts, "all parts held for 60 s", _EPOCH))


def _intent(action: str, target: ObjectRef) -> Intent:
    operation = PatchOperation("replace", "/spec/template/spec/containers/0/args", [])
    change = ObjectPatch(target, Uid("u-1"), "71", (operation,))
    diff = ('- args: ["--cache-ttl=30s"]', "+ args: []")
    preview = Preview(_call(action, target), change, diff, "3 of 3 replicas, one at a time")
    return Intent(preview, {"kind": "Deployment", "spec": {"template": {"spec": {"containers": []}}}}, change)


def _call(action: str, target: ObjectRef) -> ActionCall:
    return ActionCall(ActionId(action or "escalate"), target, {"revision": 6})
