"""The form of a policy file: strict, so that a misspelt word is an error and never a rule that does not hold."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kubernaut.domain.zones import zone_name

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Condition = Annotated[str, Field(min_length=1, max_length=2000)]
Text = Annotated[str, Field(max_length=500)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Share = Annotated[float, Field(gt=0, le=1)]
MOST = 200


class Effect(StrEnum):
    """What a rule does to a remedy, from the strictest to the mildest; of several that hold, the strictest decides.

    Two loosen, and each one thing alone: `auto` lifts the autonomy label, `stop-gap` what an owner would put back.
    """

    OBSERVE = "observe"
    SUGGEST = "suggest"
    DENY = "deny"
    ASK = "ask"
    AUTO = "auto"
    STOP_GAP = "stop-gap"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rule(_Part):
    """One sentence of the policy: what holds for the remedies that `when` is true for."""

    name: Name
    when: Condition = "true"
    then: Effect
    reason: Text = ""
    approvers: Annotated[tuple[Text, ...], Field(max_length=MOST)] = ()
    beyond_labels: bool = False

    @property
    def loosens(self) -> bool:
        """Whether it allows what would not be done without it."""
        return self.beyond_labels or self.then is Effect.STOP_GAP

    @model_validator(mode="after")
    def _says_what_it_does(self) -> Self:
        if (self.then is Effect.AUTO) is not self.beyond_labels:
            raise ValueError("`then: auto` loosens what labels allow: it needs `beyond_labels: true`, and only it may")
        if self.approvers and self.then is not Effect.ASK:
            raise ValueError("approvers belong to a rule with `then: ask`")
        return self


class Window(_Part):
    """A time in which nothing is changed: each start of `cron` for `duration_minutes`, or once from start to end."""

    name: Name
    kind: Literal["maintenance", "freeze"] = "maintenance"
    cron: Annotated[str, Field(max_length=100)] | None = None
    duration_minutes: Annotated[int, Field(ge=1, le=44_640)] | None = None
    start: datetime | None = None
    end: datetime | None = None
    timezone: str | None = None
    when: Condition = "true"
    then: Literal[Effect.DENY, Effect.ASK] = Effect.DENY
    reason: Text = ""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str | None) -> str | None:
        return name if name is None else zone_name(name)

    @model_validator(mode="after")
    def _has_one_time(self) -> Self:
        repeated = self.cron is not None and self.duration_minutes is not None
        once = self.start is not None and self.end is not None
        stray = (self.cron or self.duration_minutes) and (self.start or self.end)
        if repeated is once or stray:
            raise ValueError("a window has either cron and duration_minutes, or start and end")
        if self.start and self.end and self.start.replace(tzinfo=None) >= self.end.replace(tzinfo=None):
            raise ValueError("the window ends before it starts")
        return self


class Budget(_Part):
    """How much may be done by itself in an hour or a day, counted by the cluster or by each namespace."""

    name: Name
    per: Literal["cluster", "namespace"] = "cluster"
    actions_per_hour: Count | None = None
    actions_per_day: Count | None = None
    replicas_per_hour: Count | None = None
    nodes_per_hour: Count | None = None
    largest_share: Share | None = None
    then: Literal[Effect.DENY, Effect.ASK] = Effect.ASK

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if not self.model_fields_set - {"name", "per", "then"}:
            raise ValueError("the budget bounds nothing: give actions_per_hour or another bound")
        return self


class Storm(_Part):
    """When too much is wrong at once for remedies that were made for one fault: people are asked first.

    `open_incidents` are counted over `within_minutes`. `min_healthy_workloads` is the share of the namespace's
    Deployments and StatefulSets that have to be whole; it is not looked at where it is not set.
    """

    open_incidents: Annotated[int, Field(ge=2, le=100_000)] = 50
    namespace_incidents: Annotated[int, Field(ge=2, le=100_000)] | None = None
    within_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    unhealthy_nodes: Share = 0.5
    min_healthy_workloads: Share | None = None


class RunCaps(_Part):
    """How many remedies one object takes before people choose."""

    per_hour: Annotated[int, Field(ge=1, le=1000)] = 6
    per_day: Annotated[int, Field(ge=1, le=10_000)] = 20


class Document(_Part):
    """A whole policy file. An empty one changes nothing of what labels and the built-in guards say."""

    version: Literal[1] = 1
    timezone: str = "UTC"
    environment_label: Annotated[str, Field(min_length=1, max_length=317)] = "kubernaut.ai/environment"
    rules: Annotated[tuple[Rule, ...], Field(max_length=MOST)] = ()
    windows: Annotated[tuple[Window, ...], Field(max_length=MOST)] = ()
    budgets: Annotated[tuple[Budget, ...], Field(max_length=MOST)] = ()
    storm: Storm = Storm()
    runs: RunCaps = RunCaps()

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        return zone_name(name)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        parts: tuple[Rule | Window | Budget, ...] = (*self.rules, *self.windows, *self.budgets)
        names = [part.name for part in parts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two parts have the name {', '.join(twice)}: the record could not tell them apart")
        return self
