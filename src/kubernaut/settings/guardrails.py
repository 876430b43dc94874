"""What is allowed, and how long a remedy is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from kubernaut.settings.section import Seconds, Section


class PolicySettings(Section):
    """The guardrails."""

    file: Path | None = None
    """A policy file: rules, windows, budgets and thresholds (docs/policy.md). Read again when it changes; one that
    cannot be used allows nothing."""
    autonomy: Literal["observe", "suggest", "approve", "auto"] = "auto"
    """For managed namespaces without a label `kubernaut.ai/autonomy`."""
    shadow: bool = False
    """Proposes and never acts, whatever labels and rules say: each remedy is tried by a dry run, told to people, and
    held against what they then do (`kubernaut value shadow`). Nothing is written to the cluster."""
    shadow_horizon_s: float = Field(default=86_400.0, ge=60, le=604_800)
    """Seconds for which people are watched after a proposal."""
    attempts: int = Field(default=2, ge=1, le=5)
    """Remedies tried for one incident before people are asked."""
    approval_s: Seconds = 1800.0
    """Seconds until an unanswered request for approval escalates."""
    cooldown_s: Seconds = 600.0
    """Seconds before the same action may touch the same object again."""
    patience_s: float = Field(default=60.0, ge=0, le=3600)
    """Seconds after its alert for which a fault without a safe remedy is watched, in case it passes by itself, before
    people are called."""
    look_back_s: float = Field(default=300.0, ge=0, le=86_400)
    """Seconds for which an alert may go on firing after what it told of was mended: the same cause, or the same alert,
    on the same object is watched that long before a second remedy."""
    hold_s: Seconds = 300.0
    """Seconds after an incident closed in which the same alert joins it instead of opening a new one: the look-back
    of most alert rules."""
    recheck_s: Seconds = 20.0
    """Seconds until the next look at what is still rolling out, or at an object that another incident acts on."""
    looks: int = Field(default=30, ge=1, le=200)
    """Looks in all, those after a wait included, before people are asked."""
    explorations_per_day: int = Field(default=0, ge=0, le=100)
    """Remedies a day that are taken without asking although another one is better proven, to learn about them."""
    settle_s: float = Field(default=0.0, ge=0, le=3600)
    """Seconds between the alert and the first look at the cluster, for what heals by itself."""


class VerificationSettings(Section):
    """How long a remedy is watched."""

    window_s: Seconds = 60.0
    """Seconds that the target has to stay well."""
    interval_s: Seconds = 5.0
    """Seconds between two looks."""
    deadline_s: Seconds = 900.0
    """Seconds after which a remedy that has not helped is taken back. Longer than the look-back of your alert rules,
    which go on firing for that long after the fault is mended."""
