"""The stages in the order of an alert's way, and how long the way may take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kubernaut.execution.stage import ExecutionStage
from kubernaut.impact.stage import ImpactStage
from kubernaut.investigation.stage import InvestigationStage
from kubernaut.learning.stage import LearningStage
from kubernaut.planning.planning import PlanningStage
from kubernaut.triage.admission import TriageStage
from kubernaut.verification.stage import VerificationStage


@dataclass(frozen=True, slots=True)
class PipelinePolicy:
    """When to go on, to wait, and to hand over.

    `attempts`: remedies tried before people are asked. `looks`: investigations in all, those after a wait included.
    """

    attempts: int
    looks: int
    recheck: timedelta
    settle: timedelta
    approval: timedelta


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages in the order of an alert's way."""

    triage: TriageStage
    investigation: InvestigationStage
    planning: PlanningStage
    execution: ExecutionStage
    verification: VerificationStage
    impact: ImpactStage
    learning: LearningStage
    policy: PipelinePolicy
