"""All that a decision rests on, read live: what the guards look at, and what candidates are weighed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kubernaut.domain.diagnosis import ActionId, Diagnosis, Hypothesis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import JsonObject, ObjectRef, Tree
from kubernaut.planning.choosing import Weighing, policy_told
from kubernaut.planning.guardrails import Guardrails
from kubernaut.planning.guards import Autonomy, Situation
from kubernaut.planning.history import KINDS, PastAction, past_actions
from kubernaut.planning.oscillation import HISTORY, Unrest, unrest
from kubernaut.planning.policy.document import Effect
from kubernaut.planning.policy.ruling import Policy, Ruling
from kubernaut.planning.surveying import Case, Survey, is_by_model, survey
from kubernaut.ports import Clock, ClusterReader, IncidentStore, Switch

# A rejected remedy is not asked for again so soon, for that cause on that object; another cause is another fault.
REJECTED_FOR = timedelta(hours=1)
SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Docket:
    """One decision's ground.

    `rejected` are the actions that a person refused for this very cause, with the words; `passed_over` the strategies
    for it that do not fit, with the reasons.
    """

    target: ObjectRef
    incident: Incident
    by_model: bool
    survey: Survey
    situation: Situation
    history: Sequence[PastAction]
    rejected: Mapping[str, str] = field(default_factory=dict)
    told: JsonObject = field(default_factory=dict)
    passed_over: tuple[JsonObject, ...] = ()

    def passing_over(self, notes: tuple[JsonObject, ...]) -> Docket:
        """The docket with the strategies that do not fit, each with the reason."""
        return replace(self, passed_over=notes, told={**self.told, "considered": [*notes]}) if notes else self


@dataclass(frozen=True, slots=True)
class Casework:
    """Reads dockets; changes nothing."""

    reader: ClusterReader
    incidents: IncidentStore
    switch: Switch
    clock: Clock
    rails: Guardrails
    asked_about: frozenset[ActionId]
    autonomy: Autonomy
    patience: timedelta
    look_back: timedelta
    shadow: bool = False

    async def open(self, incident: Incident, diagnosis: Diagnosis, law: Policy) -> Docket:
        """The docket of an incident as everything is now."""
        best = diagnosis.best
        target = best.target if best else incident.target
        now = self.clock.now()
        seen = await survey(self.reader, target)
        past = await self._past(target, best, since=now - HISTORY)
        history = past_actions(past)
        # All of it read in one place and kept with the decision: a replay then needs nothing but the event.
        situation = Situation(
            target=target,
            best=best,
            firing=await self.incidents.still_firing(incident.id),
            scope=seen.scope(self.autonomy),
            suspension=await self.switch.suspension(),
            history=history,
            now=now,
            began=incident.started_at,
            patience=self.patience,
            alert=incident.alert,
            pause=seen.pause(),
            lawless=law.broken,
            help=f"kubernaut policy lint {law.source}",
            healed=await self._healed(incident, best, history, now),
            look_back=self.look_back,
            unrest=await self._unrest(target, history, law, now),
            changed=diagnosis.changed_at,
        )
        rejected = _rejected(past, target, best, now) if best else {}
        told = _told(situation, law)
        return Docket(target, incident, is_by_model(diagnosis), seen, situation, history, rejected, told)

    async def weighing(self, docket: Docket, best: Hypothesis, law: Policy) -> Weighing:
        """What the docket's candidates are weighed with."""
        view = await self.rails.surroundings.view()
        case = Case(
            incident=docket.incident,
            best=best,
            by_model=docket.by_model,
            survey=docket.survey,
            scope=docket.situation.scope,
            history=docket.history,
            now=docket.situation.now,
            cluster=self.rails.cluster,
            environment_label=law.document.environment_label,
            natures=self.rails.natures,
            asked_about=self.asked_about,
        )
        pressures = []
        if self.shadow:
            pressures.append(Ruling(SHADOW, "", Effect.SUGGEST, "this installation only proposes (policy.shadow)"))
        if view.control_plane:
            reason = f"{view.control_plane} fires: what is seen may be stale, and what is done may have no effect"
            pressures.append(Ruling("control_plane", "", Effect.ASK, reason))
        storm = await self.rails.surroundings.storm(law.document.storm, view, docket.target.namespace)
        if storm:
            pressures.append(Ruling("storm", "", Effect.ASK, storm))
        return Weighing(case, law, view, tuple(pressures), docket.passed_over)

    async def _past(self, target: ObjectRef, best: Hypothesis | None, *, since: datetime) -> list[Event]:
        """What was done to the target and to whatever else the remedies would touch, such as one pod of it."""
        # A workload's restart and the deletion of one of its pods are one history: both were tried on the same fault.
        touched = {str(target), *(str(call.target) for call in (best.remedies if best else ()))}
        return await self.incidents.events_about(touched, since=since, kinds=(*KINDS, EventKind.REJECTED))

    async def _healed(
        self, incident: Incident, best: Hypothesis | None, history: Sequence[PastAction], now: datetime
    ) -> list[PastAction]:
        """Remedies that helped against the same cause or the same alert; another fault of the object is not held up."""
        found = []
        for past in history:
            old = past.at <= now - self.look_back
            if past.incident is None or past.incident == incident.id or old or not past.healed:
                continue
            before = await self.incidents.get(past.incident)
            same_alert = before is not None and before.alert == incident.alert
            if same_alert or (best is not None and past.cause == best.cause):
                found.append(past)
        return found

    async def _unrest(
        self, target: ObjectRef, history: Sequence[PastAction], law: Policy, now: datetime
    ) -> Unrest | None:
        caps = law.document.runs
        # Two actions make a cascade at the least; without them nobody has to count incidents.
        # Rules that look at incidents of the namespace are asked only where two actions could have caused them.
        enough = len(history) > 1
        opened = (await self.rails.surroundings.view()).opened(target.namespace) if enough else ()
        return unrest(history, now, per_hour=caps.per_hour, per_day=caps.per_day, opened=opened)


def _rejected(past: Sequence[Event], target: ObjectRef, best: Hypothesis, now: datetime) -> dict[str, str]:
    """The actions that a person refused for this cause on this object, with the words."""
    found = {}
    for event in past:
        body = Tree(event.body)
        elsewhere_or_old = event.about != str(target) or event.at < now - REJECTED_FOR
        if event.kind is not EventKind.REJECTED or elsewhere_or_old or body.text("cause") != best.cause:
            continue
        words = f"rejected by {body.text('by')} at {event.at:%H:%MZ} ({body.text('reason') or 'no reason given'})"
        found[body.text("asked", "action")] = words
    return found


def _told(situation: Situation, law: Policy) -> JsonObject:
    """The inputs of the guards, as the event keeps them."""
    inputs: JsonObject = {
        "firing": situation.firing,
        "managed": situation.scope.managed,
        "autonomy": situation.scope.autonomy.value,
        "suspended": situation.suspension is not None,
        "paused": situation.pause is not None,
        "cause": situation.best.cause if situation.best else "",
        "verdict": situation.best.verdict.value if situation.best else "",
        "remedies": [call.action for call in situation.best.remedies] if situation.best else [],
        "alert": situation.alert,
        "actions_24h": len(situation.history),
    }
    return {"policy": policy_told(law), "inputs": inputs, "considered": []}
