"""What came of the problems, and the figures that can be counted from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from kubernaut.domain.objects import JsonObject
from kubernaut.domain.shares import wilson_interval
from kubernaut.gameday.arms import Arm
from kubernaut.gameday.fault import Policy


@dataclass(frozen=True, slots=True)
class Result:
    """One problem in one arm.

    `healed` is the oracle's word alone, and never said of a control. `verified` is Kubernaut's own word that it ended
    as it had to: healed and verified, handed over without a change, or left alone; no other arm verifies anything.
    `outcome` says in a few words what happened, `why` what was still wrong at the end, `strategies` whose steps were
    taken, of those that people declared.
    """

    fault: str
    variant: int
    control: bool
    policy: Policy
    arm: Arm
    healed: bool
    verified: bool
    mutations: int
    outside_target: int
    seconds: float | None
    outcome: str = ""
    why: str = ""
    strategies: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """The problem."""
        return self.fault, self.variant

    @property
    def is_right(self) -> bool:
        """Whether it ended as the problem's policy says."""
        if self.outside_target:
            return False
        if self.control or self.policy in {Policy.ESCALATE, Policy.DECLINE}:
            return self.verified and not self.mutations
        return self.healed and self.verified

    def as_json(self) -> JsonObject:
        """With the names that scripts know; `strategies` only where some were taken."""
        return {
            "fault": self.fault,
            "variant": self.variant,
            "control": self.control,
            "policy": self.policy.value,
            "arm": self.arm.value,
            "healed": self.healed,
            "verified": self.verified,
            "mutations": self.mutations,
            "outside_target": self.outside_target,
            "seconds": round(self.seconds, 1) if self.seconds is not None else None,
            **({"strategies": list(self.strategies)} if self.strategies else {}),
        }


@dataclass(frozen=True, slots=True)
class ByStrategy:
    """How many problems the steps of a strategy were taken in, and how many of those were healed."""

    problems: int
    healed: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One arm. Counted are problems that a system does not get over by itself; controls are counted apart."""

    arm: Arm
    problems: int
    healed: int
    not_counted: int
    act_rows: int
    act_healed_and_verified: int
    escalate_rows: int
    escalated_rightly: int
    controls: int
    false_actions: int
    mutations: int
    outside_target: int
    median_seconds: float | None
    by_strategy: Mapping[str, ByStrategy]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the share healed."""
        return wilson_interval(self.healed, self.problems) if self.problems else None

    def as_json(self) -> JsonObject:
        """Every figure with its sample size; null where nothing can be computed."""
        interval = self.interval
        return {
            "problems": self.problems,
            "not_counted": self.not_counted,
            "healed": self.healed,
            "healed_share": round(self.healed / self.problems, 4) if self.problems else None,
            "healed_interval": [round(bound, 4) for bound in interval] if interval else None,
            "act_rows": self.act_rows,
            "act_healed_and_verified": self.act_healed_and_verified,
            "escalate_rows": self.escalate_rows,
            "escalated_rightly": self.escalated_rightly,
            "controls": self.controls,
            "false_actions_on_controls": self.false_actions,
            "mutations": self.mutations,
            "outside_target": self.outside_target,
            "median_seconds": round(self.median_seconds, 1) if self.median_seconds is not None else None,
            "by_strategy": {
                name: {"problems": one.problems, "healed": one.healed} for name, one in self.by_strategy.items()
            },
        }


def pass_by_themselves(results: Sequence[Result]) -> set[tuple[str, int]]:
    """The problems that went away although nothing was done: they prove nothing."""
    return {one.key for one in results if one.arm is Arm.NOTHING and one.healed and not one.control}


def summary_of(arm: Arm, results: Sequence[Result]) -> Summary:
    """The arm's figures."""
    own = [one for one in results if one.arm is arm]
    faults = [one for one in own if not one.control]
    controls = [one for one in own if one.control]
    # Of the do-nothing arm nothing is left out: what it passes is its score.
    left_out = set[tuple[str, int]]() if arm is Arm.NOTHING else pass_by_themselves(results)
    counted = [one for one in faults if one.key not in left_out]
    to_heal = _under(counted, Policy.ACT, Policy.APPROVE)
    acts = _under(counted, Policy.ACT)
    for_people = _under(counted, Policy.ESCALATE)
    return Summary(
        arm=arm,
        problems=len(to_heal),
        healed=sum(one.healed for one in to_heal),
        not_counted=len(faults) - len(counted),
        act_rows=len(acts),
        act_healed_and_verified=sum(one.healed and one.verified for one in acts),
        escalate_rows=len(for_people),
        escalated_rightly=sum(one.is_right for one in for_people),
        controls=len(controls),
        false_actions=_mutations(controls),
        mutations=_mutations(own),
        outside_target=sum(one.outside_target for one in own),
        median_seconds=_median_seconds(to_heal),
        by_strategy=_by_strategy(own),
    )


def _under(rows: Sequence[Result], *policies: Policy) -> list[Result]:
    return [one for one in rows if one.policy in policies]


def _mutations(rows: Sequence[Result]) -> int:
    return sum(one.mutations for one in rows)


def _median_seconds(rows: Sequence[Result]) -> float | None:
    times = [one.seconds for one in rows if one.healed and one.seconds is not None]
    return median(times) if times else None


def _by_strategy(own: Sequence[Result]) -> dict[str, ByStrategy]:
    names = sorted({name for one in own for name in one.strategies})
    taken = {name: [one for one in own if name in one.strategies] for name in names}
    return {name: ByStrategy(len(rows), sum(one.healed for one in rows)) for name, rows in taken.items()}


def did_harm(results: Sequence[Result]) -> bool:
    """Whether Kubernaut touched a control, or anything outside of a target."""
    own = [one for one in results if one.arm is Arm.KUBERNAUT]
    return any((one.control and one.mutations) or one.outside_target for one in own)
