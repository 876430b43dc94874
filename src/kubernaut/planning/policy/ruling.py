"""A policy asked about one remedy: which rules and windows hold, and what the strictest of them says.

A policy only tightens what labels and owners allow, but for rules that say `beyond_labels: true` or `then: stop-gap`.
Severity never weakens a guard, by construction: a rule holds for an alert when it holds for its severity or any lower.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from kubernaut.domain.errors import PolicyError
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.ownership import AUTOSCALER
from kubernaut.domain.sources import PROPOSE
from kubernaut.planning.policy.document import Document, Effect, Rule, Window
from kubernaut.planning.policy.facts import Facts, no_severer_than

Condition = Callable[[JsonObject], bool]
Opening = Callable[[datetime], bool]

MAINTENANCE, FREEZE, RULE, BROKEN = "maintenance_window", "freeze", "policy", "policy_broken"
APPROVAL, OWNED, STOP_GAP = "approval", "owned", "stop_gap"
_BY_AUTONOMY = {
    "observe": Effect.OBSERVE,
    "suggest": Effect.SUGGEST,
    "approve": Effect.ASK,
    "auto": Effect.AUTO,
}
# The order in which rules are weighed: the strictest decides, wherever it stands in the file.
_STRICTEST_FIRST = (Effect.OBSERVE, Effect.SUGGEST, Effect.DENY, Effect.ASK)


@dataclass(frozen=True, slots=True)
class Ruling:
    """One rule or window that holds: `guard` is the kind of it, `rule` its name, `line` where it stands."""

    guard: str
    rule: str
    effect: Effect
    reason: str
    line: int = 0
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in force.

    `broken` says why it cannot be used: then nothing is allowed. `source` and `digest` tell which one decided.
    """

    document: Document = field(default_factory=Document)
    conditions: Mapping[str, Condition] = field(default_factory=lambda: MappingProxyType({}))
    openings: Mapping[str, Opening] = field(default_factory=lambda: MappingProxyType({}))
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    source: str = "built in"
    digest: str = ""
    broken: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which conditions read the time."""
        return ZoneInfo(self.document.timezone)

    def rulings(self, facts: Facts, now: datetime) -> tuple[Ruling, ...]:
        """What holds, the strictest first; a condition without an answer is a refusal."""
        document = self.document
        if not document.rules and not document.windows:
            return ()
        # A rule that is written for warnings holds for critical alerts too: a higher severity must never be the way
        # around it.
        views = [facts.with_severity(one).variables(now, self.zone) for one in no_severer_than(facts.alert.severity)]
        held = [self._told(window, views, now) for window in document.windows]
        held += [self._told(rule, views, now) for rule in document.rules if not rule.loosens]
        found = [ruling for ruling in held if ruling is not None]
        return tuple(sorted(found, key=lambda ruling: _STRICTEST_FIRST.index(ruling.effect)))

    def objections(self, facts: Facts, now: datetime) -> tuple[Ruling, ...]:
        """All that stands against the remedy as far as facts tell: policy, label and the action itself.

        What takes the remedy away comes before what asks.
        """
        found = [*self.rulings(facts, now)]
        if facts.owner.tool and facts.action.id != PROPOSE and self.stop_gap(facts, now) is None:
            found.append(Ruling(OWNED, "", Effect.DENY, owned_reason(facts)))
        if facts.action.needs_consent:
            found.append(Ruling(APPROVAL, "", Effect.ASK, f"{facts.action.id} is never done without consent"))
        effect = _BY_AUTONOMY.get(facts.target.autonomy, Effect.OBSERVE)
        if effect is not Effect.AUTO and self.lifting(facts, now) is None:
            asks = effect is Effect.ASK
            reason = "this scope acts only with consent" if asks else f"this scope is at {facts.target.autonomy}"
            found.append(Ruling(f"autonomy_{facts.target.autonomy}", "", effect, reason))
        return tuple(sorted(found, key=lambda ruling: ruling.effect is Effect.ASK))

    def lifting(self, facts: Facts, now: datetime) -> Ruling | None:
        """The rule that explicitly lifts the autonomy label for this remedy, if one does."""
        return self._loosening(Effect.AUTO, facts, now)

    def stop_gap(self, facts: Facts, now: datetime) -> Ruling | None:
        """The rule that lets the change be made though its owner will put it back, if one does.

        An autoscaler puts its number back within seconds, so there nothing is gained.
        """
        return None if facts.owner.tool == AUTOSCALER else self._loosening(Effect.STOP_GAP, facts, now)

    def _loosening(self, effect: Effect, facts: Facts, now: datetime) -> Ruling | None:
        for rule in self.document.rules:
            if rule.then is not effect:
                continue
            ruling = self._told(rule, [facts.variables(now, self.zone)], now)
            if ruling is not None and ruling.guard != BROKEN:
                return ruling
        return None

    def _told(self, part: Rule | Window, views: Sequence[JsonObject], now: datetime) -> Ruling | None:
        """The part as a ruling where it holds in any of the views: one for each severity that has to be looked at."""
        line = self.lines.get(part.name, 0)
        guard = RULE if isinstance(part, Rule) else FREEZE if part.kind == "freeze" else MAINTENANCE
        try:
            if guard is not RULE and not self.openings[part.name](now):
                return None
            if not any(self.conditions[part.name](view) for view in views):
                return None
        except PolicyError as error:
            return Ruling(BROKEN, part.name, Effect.DENY, f"{self.source} line {line}, {part.name}: {error}", line)
        effect = Effect(part.then)
        approvers = part.approvers if isinstance(part, Rule) else ()
        return Ruling(guard, part.name, effect, part.reason, line, approvers)


def owned_reason(facts: Facts) -> str:
    """Who would put the change back, and which field."""
    owner = facts.owner
    by = f" (field manager {owner.manager}, {owner.operation})" if owner.manager else ""
    named = f"{owner.tool} {owner.name}".strip()
    return f"{named} owns {owner.field}{by} and would put it back; the change has to be made there"


BUILT_IN = Policy()
